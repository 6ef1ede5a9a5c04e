import { assertEquals } from "@std/assert";
import { test, waitFor } from "../harness.ts";
import { converged, hear, startInMemory } from "./scene.ts";

test("presence: a connection that leaves a room, or is gone, while it enters was never present", async () => {
  await using cluster = await startInMemory(2);
  const [a, b] = cluster.nodes;
  const hearing = await hear(b!.hub.presence("room/1"), "connection");
  const held: (() => void)[] = [];
  a!.tap.beforeSubscribe = (channel) =>
    channel === "room:room/1" ? new Promise((resolve) => held.push(resolve)) : undefined;
  const [ann, bob] = [await a!.member("ann"), await a!.member("bob")];
  const entering = ann.request("enter", { room: "room/1" }).catch(() => "refused");
  bob.request("enter", { room: "room/1" }).catch(() => {});
  await waitFor(() => held.length === 1, { what: "the subscribe" });
  ann.request("exit", { room: "room/1" }).catch(() => {});
  assertEquals(await entering, "refused");
  await bob.close();
  await waitFor(() => a!.hub.stats().connections === 1, { what: "bob to be gone" });
  for (const go of held) go();
  a!.tap.beforeSubscribe = () => {};
  await a!.member("cat", "room/1");
  await converged(cluster.nodes, "room/1", ["cat"]);
  assertEquals(hearing.events.length, 1);
});

test("presence: a connection that unsubscribes, or is gone, while it subscribes was never present", async () => {
  await using cluster = await startInMemory(2);
  const [a, b] = cluster.nodes;
  for (const topic of ["doc/1", "log/1"] as const) {
    const hearing = await hear(b!.hub.presence({ topic }));
    const held: (() => void)[] = [];
    a!.tap.beforeSubscribe = (channel) =>
      channel === `topic:${topic}` ? new Promise((resolve) => held.push(resolve)) : undefined;
    const [ann, bob] = [await a!.member("ann"), await a!.member("bob")];
    const subscription = ann.subscribe(topic, () => {});
    subscription.ready.catch(() => {});
    bob.subscribe(topic, () => {}).ready.catch(() => {});
    await waitFor(() => held.length === 1, { what: "the subscribe" });
    subscription.unsubscribe();
    await bob.close();
    await waitFor(() => a!.hub.stats().subscriptions === 0, { what: "both to be gone" });
    for (const go of held) go();
    a!.tap.beforeSubscribe = () => {};
    const cat = await a!.member("cat");
    await cat.subscribe(topic, () => {}).ready;
    await waitFor(() => hearing.events.includes("join cat"), { what: "a member to join" });
    assertEquals(hearing.events, ["join cat"]);
    await cat.close();
  }
});

test("presence: a join that fails leaves no member behind", async () => {
  await using cluster = await startInMemory(2);
  const [a, b] = cluster.nodes;
  const hearing = await hear(b!.hub.presence("room/1"));
  a!.tap.beforeSubscribe = (channel) => {
    if (channel === "room:room/1") throw new Error("No channel");
  };
  const ann = await a!.member("ann");
  const entered = await ann.request("enter", { room: "room/1" }).then(() => "entered", () => "refused");
  a!.tap.beforeSubscribe = () => {};
  await a!.member("bob", "room/1");
  await waitFor(() => hearing.events.includes("join bob"), { what: "a member to join" });
  assertEquals([entered, hearing.events], ["refused", ["join bob"]]);
});

test("presence: names like those of a prototype's properties are just names, in rooms, users and states", async () => {
  await using cluster = await startInMemory(2);
  const { nodes } = cluster;
  const names = ["__proto__", "constructor", "toString"];
  for (const name of names) {
    const member = await nodes[0]!.member(name, `room/${name}`, "room/1");
    await member.request("set", { room: "room/1", name });
  }
  await converged(nodes, "room/1", names);
  for (const name of names) {
    const list = await nodes[1]!.hub.presence(`room/${name}`).list();
    assertEquals(list.map(({ id }) => id), [name]);
  }
});

test("presence: a connection in a room without presence is in no place", async () => {
  await using cluster = await startInMemory(1);
  const { hub } = cluster.nodes[0]!;
  await cluster.nodes[0]!.member("ann", "lobby");
  assertEquals(hub.stats().presence, { places: 0, members: 0 });
});

test("presence: first states come from stateOf, on every node", async () => {
  await using cluster = await startInMemory(2, {
    presence: {
      stateOf: { "room/:id": ({ conn, params }) => ({ name: `${conn.user?.id} of ${params.id}` }) },
    },
  });
  await cluster.nodes[0]!.member("ann", "room/1");
  await converged(cluster.nodes, "room/1", ["ann"]);
  const [ann] = await cluster.nodes[1]!.hub.presence("room/1").list();
  assertEquals(ann!.state, { name: "ann of 1" });
});
