import { assert, assertEquals } from "@std/assert";
import { createHub, createMemoryAdapter, createMemoryBus } from "@trunkline/hub";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, createNode, type Node } from "../hub/chat.ts";
import { acquainted, reachable, testOnAdapters } from "../hub/cluster.ts";
import { codeOf, turn } from "../hub/wires.ts";

/** Publishes in every way there is. */
async function publishAll({ hub }: Node, connection: string): Promise<void> {
  hub.room("lobby").broadcast("message", { room: "lobby", text: "hi" });
  hub.rooms(["lobby", "other"]).broadcast("message", { room: "lobby", text: "hi" });
  hub.publish("ticker/ACME", { price: 1 });
  await hub.publish("log/x", { n: 1 });
  hub.user("bob").emit("dm", { text: "hi" });
  hub.forRole("member").emit("dm", { text: "hi" });
  hub.connection(connection).emit("dm", { text: "hi" });
  hub.connection("nobody.1").close();
  hub.emitServer("invalidate", { key: "k" });
}

const CHANNELS = [
  "room:lobby",
  "room:other",
  "topic:ticker/ACME",
  "topic:log/x",
  "user:",
  "role:member",
  "node:",
  "cluster",
];

const health = async ({ hub }: Node) => {
  const response = await hub.routes.request("/health");
  const { status, backplane } = await response.json();
  return [response.status, status, backplane.status];
};

testOnAdapters("promise 5: a lost backplane never throws into a publish, and is reported", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const bob = await b!.member("bob");
  assertEquals(await health(a!), [200, "ok", "up"]);
  a!.tap.lose();
  await publishAll(a!, bob.connectionId!);
  await waitFor(() => a!.errors.length >= 9, { what: "all reports" });
  const failed = a!.errors.filter(({ info }) => info.stage === "publish");
  for (const start of CHANNELS) assert(failed.some(({ info }) => info.channel?.startsWith(start)), start);
  assertEquals(await health(a!), [200, "degraded", "down"]);
  a!.tap.heal();
  assertEquals(await health(a!), [200, "ok", "up"]);
});

testOnAdapters("promise 5: an adapter that throws in publish does not either", async (start) => {
  await using cluster = await start(2);
  const [a, b] = cluster.nodes;
  const bob = await b!.member("bob");
  a!.tap.publish = () => {
    throw new Error("socket is not writable");
  };
  await publishAll(a!, bob.connectionId!);
  await waitFor(() => a!.errors.length >= 9, { what: "all reports" });
  assertEquals(new Set(a!.errors.map(({ info }) => info.stage)), new Set(["publish"]));
});

testOnAdapters(
  "promise 5: questions to nodes that cannot be reached name the missing nodes",
  async (start) => {
    await using cluster = await start(2, { cluster: { requestTimeoutMs: 50 } });
    const [a, b] = cluster.nodes;
    const ann = await a!.member("ann");
    const bob = await b!.member("bob");
    const unreachable = { node: b!.hub.nodeId, reason: "unreachable" } as const;
    a!.tap.lose();
    const { connections, missing } = await a!.hub.cluster.connections();
    assertEquals([connections.map(({ id }) => id), missing], [[ann.connectionId!], [unreachable]]);
    assertEquals(await a!.hub.cluster.count(), { count: 1, missing: [unreachable] });
    const gathered = await a!.hub.requestServers("load", {});
    assertEquals([gathered.answers.size, gathered.missing], [0, [unreachable]]);
    const asked = a!.hub.connection(bob.connectionId!).request("confirm", { question: "?" }, {
      timeoutMs: 1,
    });
    assertEquals(await codeOf(() => asked), "TIMEOUT");
    assertEquals(a!.hub.stats().nodeRequests, 0);
  },
);

testOnAdapters(
  "promise 5: when the backplane is back everything works again without a restart",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(2, { clock });
    const [a, b] = cluster.nodes;
    const heard: string[] = [];
    const ann = await a!.member("ann");
    ann.on("message", ({ text }) => heard.push(`ann ${text}`));
    await ann.request("join", { room: "lobby" });
    a!.tap.lose();

    // Old clients are still served. New clients get in, but cannot use anything that needs the backplane.
    const bob = await a!.member("bob");
    bob.on("message", ({ text }) => heard.push(`bob ${text}`));
    bob.on("dm", ({ text }) => heard.push(`bob ${text}`));
    await a!.hub.room("lobby").add({ id: bob.connectionId! }); // its channel is live already
    assertEquals(await codeOf(() => a!.hub.room("new").add({ id: bob.connectionId! })), "UNAVAILABLE");
    assertEquals(await codeOf(() => bob.subscribe("ticker/ACME", () => {}).ready), "UNAVAILABLE");

    a!.tap.heal();
    b!.hub.room("lobby").broadcast("message", { room: "lobby", text: "again" });
    await waitFor(() => heard.length === 2, { what: "the old room" });
    await a!.hub.room("new").add({ id: bob.connectionId! });
    b!.hub.room("new").broadcast("message", { room: "new", text: "new" });
    await waitFor(() => heard.length === 3, { what: "the new room" });

    // The channel of bob's user could not be subscribed; that is made good at once.
    b!.hub.user("bob").emit("dm", { text: "psst" });
    await waitFor(() => heard.length === 4, { what: "the user's channel" });
    assertEquals(heard, ["ann again", "bob again", "bob new", "bob psst"]);
    await acquainted([a!.hub, b!.hub]);
    assertEquals(await b!.hub.cluster.count({ room: "lobby" }), { count: 2, missing: [] });
    assertEquals(await a!.hub.cluster.exists({ user: "nobody" }), { exists: false, missing: [] });
  },
);

testOnAdapters("promise 5: a node that was thought dead is known again when it is back", async (start) => {
  const clock = new FakeClock();
  await using cluster = await start(2, { clock });
  const [a, b] = cluster.nodes;
  const ann = await a!.member("ann");
  a!.tap.lose();
  for (let s = 0; s <= 40; s += 10) clock.advance(10_000);
  assertEquals([reachable(a!.hub), reachable(b!.hub)], [[a!.hub.nodeId], [b!.hub.nodeId]]);
  a!.tap.heal();
  await acquainted([a!.hub, b!.hub]);
  assertEquals((await b!.hub.cluster.connections()).connections.map(({ id }) => id), [ann.connectionId!]);
});

test("promise 5: a bus that is down at the start lets the node start when it comes", async () => {
  const bus = createMemoryBus();
  bus.down();
  const starting = createNode(bus);
  await turn();
  bus.up();
  await using a = await starting;
  await using b = await createNode(bus);
  await acquainted([a.hub, b.hub]);
});

test("promise 5: a backplane that does not open is shown by ready and health, and the node joins later", async () => {
  const clock = new FakeClock();
  const bus = createMemoryBus();
  bus.down();
  await using hub = createHub(chat, {
    authenticate: ({ role }) => ({ role }),
    adapter: createMemoryAdapter({ bus }),
    clock,
    onError: () => {},
  });
  const ready = codeOf(() => hub.ready);
  clock.advance(10_000);
  assertEquals(await ready, "UNAVAILABLE");
  const status = async () => (await hub.routes.request("/health")).status;
  assertEquals(await status(), 503);
  bus.up();
  await waitFor(async () => await status() === 200, { what: "the node to serve" });
});

test("promise 5: a bus that goes down and comes back keeps every subscription", async () => {
  const bus = createMemoryBus();
  await using a = await createNode(bus);
  await using b = await createNode(bus);
  await acquainted([a.hub, b.hub]);
  const ann = await a.member("ann");
  const heard: unknown[] = [];
  await ann.subscribe("ticker/ACME", ({ price }) => heard.push(price)).ready;
  for (let n = 0; n < 3; n++) {
    bus.down();
    b.hub.publish("ticker/ACME", { price: -1 });
    await turn();
    bus.up();
    b.hub.publish("ticker/ACME", { price: n });
    await waitFor(() => heard.length > n, { what: "the tick" });
  }
  assertEquals(heard, [0, 1, 2]);
});
