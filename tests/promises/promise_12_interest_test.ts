import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import { empty, testOnAdapters } from "../hub/cluster.ts";

testOnAdapters("promise 12: a node receives only messages for which it has a subscriber", async (start) => {
  await using cluster = await start(3);
  const [a, b, c] = cluster.nodes;
  const ann = await b!.member("ann");
  await ann.request("join", { room: "one" });
  await ann.subscribe("ticker/ONE", () => {}).ready;
  await c!.admin();
  const heard: string[] = [];
  ann.on("message", ({ text }) => heard.push(text));
  for (const node of cluster.nodes) node.tap.delivered.length = 0;

  for (const room of ["two", "three", "one"]) a!.hub.room(room).broadcast("message", { room, text: room });
  for (const symbol of ["TWO", "ONE"]) a!.hub.publish(`ticker/${symbol}`, { price: 1 });
  a!.hub.user("ann").emit("dm", { text: "hi" });
  a!.hub.user("bob").emit("dm", { text: "hi" });
  a!.hub.forRole("member").emit("dm", { text: "hi" });
  a!.hub.forRole("admin").emit("dm", { text: "hi" });
  a!.hub.connection(ann.connectionId!).emit("message", { room: "", text: "end" });
  await waitFor(() => heard.includes("end"), { what: "the end" });

  // Beside what nodes say to each other of themselves, which may come at any time.
  const channels = (node: typeof a) => {
    const heard = new Set(node!.tap.delivered.map(({ channel }) => channel));
    return [...heard].filter((channel) => channel !== "cluster" && !channel.startsWith("node:")).sort();
  };
  const user = b!.tap.subscribed.find((channel) => channel.startsWith("user:"))!;
  const wanted = ["role:member", "room:one", "topic:ticker/ONE", user].sort();
  await waitFor(() => channels(b).length >= wanted.length && channels(c).length > 0, { what: "the rest" });
  assertEquals(channels(b), wanted);
  assertEquals(channels(c), ["role:admin"]);
});

testOnAdapters(
  "promise 12: a channel is subscribed exactly as long as it has a member",
  async (start) => {
    await using cluster = await start(1);
    const [a] = cluster.nodes;
    const own = a!.tap.subscribed.length; // the cluster's channel and the node's inbox
    const [ann, bob] = [await a!.member("ann"), await a!.member("ann")];
    assertEquals(a!.tap.subscribed.length, own + 2); // the role and the user's partition, shared by both
    for (const client of [ann, bob]) {
      await client.request("join", { room: "lobby" });
      await client.subscribe("stats", () => {}).ready;
    }
    assertEquals(a!.tap.subscribed.slice(own + 2).sort(), ["room:lobby", "topic:stats"]);
    assertEquals(a!.hub.stats().channels, 4);
    await ann.request("leave", { room: "lobby" });
    assertEquals(a!.tap.unsubscribed, []);
    await bob.request("leave", { room: "lobby" });
    await waitFor(() => a!.tap.unsubscribed.length === 1, { what: "the room to be left" });
    await ann.close();
    await waitFor(() => a!.hub.stats().channels === 3, { what: "the room's channel to be given back" });
    await bob.close();
    await empty(a!);
    assertEquals(a!.tap.unsubscribed.toSorted(), a!.tap.subscribed.slice(own).toSorted());
  },
);

testOnAdapters(
  "promise 12: thousands of users need no more channels than there are partitions",
  async (start) => {
    await using cluster = await start(1);
    const [a] = cluster.nodes;
    await Promise.all(Array.from({ length: 300 }, (_, i) => a!.member(`user ${i}`)));
    const users = a!.tap.subscribed.filter((channel) => channel.startsWith("user:"));
    assertEquals([users.length <= 64, new Set(users).size], [true, users.length]);
  },
);
