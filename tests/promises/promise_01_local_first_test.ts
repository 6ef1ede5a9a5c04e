import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import type { Member, Node } from "../hub/chat.ts";
import { testOnAdapters } from "../hub/cluster.ts";
import { microtasks } from "../hub/wires.ts";

/** Reaches one local client in every way there is, and says what it heard. */
function everyWay(node: Node, client: Member): { say(n: number): void; readonly heard: string[] } {
  const heard: string[] = [];
  client.on("message", ({ text }) => heard.push(text));
  client.on("dm", ({ text }) => heard.push(text));
  const { hub } = node;
  return {
    heard,
    say(n) {
      hub.room("lobby").broadcast("message", { room: "lobby", text: `room ${n}` });
      hub.rooms(["lobby", "other"]).broadcast("message", { room: "lobby", text: `rooms ${n}` });
      hub.publish("ticker/ACME", { price: n });
      hub.user("ann").emit("dm", { text: `user ${n}` });
      hub.forRole("member").emit("dm", { text: `role ${n}` });
      hub.connection(client.connectionId!).emit("dm", { text: `conn ${n}` });
    },
  };
}

const ways = (n: number) => [`room ${n}`, `rooms ${n}`, `ticker ${n}`, `user ${n}`, `role ${n}`, `conn ${n}`];

testOnAdapters("promise 1: a publish reaches local connections in the same turn, once", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const ann = await a!.member("ann");
  const far = await b!.member("ann");
  const { heard, say } = everyWay(a!, ann);
  await ann.subscribe("ticker/ACME", ({ price }) => heard.push(`ticker ${price}`)).ready;
  await far.subscribe("ticker/ACME", () => {}).ready;
  await ann.request("join", { room: "lobby" });
  await far.request("join", { room: "lobby" });
  const farHeard: string[] = [];
  far.on("dm", ({ text }) => farHeard.push(text));

  say(1);
  await microtasks();
  assertEquals(heard, ways(1));

  // Whatever comes back from the backplane comes before this, and adds no copy.
  b!.hub.user("ann").emit("dm", { text: "last" });
  await waitFor(() => heard.includes("last"), { what: "the other node" });
  assertEquals(heard, [...ways(1), "last"]);
  assertEquals(a!.tap.delivered.filter(({ from }) => from === a!.hub.nodeId), []);
  await waitFor(() => farHeard.length === 3, { what: "the far client" });
});

testOnAdapters("promise 1: local delivery does not care about the state of the backplane", async (start) => {
  await using cluster = await start(2);
  const [a] = cluster.nodes;
  const ann = await a!.member("ann");
  const { heard, say } = everyWay(a!, ann);
  await ann.subscribe("ticker/ACME", ({ price }) => heard.push(`ticker ${price}`)).ready;
  await ann.request("join", { room: "lobby" });
  const logged: number[] = [];
  await ann.subscribe("log/x", ({ n }) => logged.push(n)).ready;

  a!.tap.lose();
  say(1);
  assertEquals((await a!.hub.publish("log/x", { n: 1 })).offset, 1);
  await microtasks();
  assertEquals([heard, logged], [ways(1), [1]]);

  a!.tap.heal();
  say(2);
  await microtasks();
  assertEquals(heard, [...ways(1), ...ways(2)]);
});
