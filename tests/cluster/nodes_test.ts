import { assert, assertEquals } from "@std/assert";
import { createHub } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat } from "../hub/chat.ts";
import {
  acquainted,
  ADAPTERS,
  type Cluster,
  reachable,
  startCluster,
  type TappedNode,
  testOnAdapters,
} from "../hub/cluster.ts";
import { pass } from "../hub/passing.ts";
import { Tap } from "../hub/tap.ts";
import { codeOf, turn } from "../hub/wires.ts";

const TIMEOUT_MS = 30_000;
const HEARTBEAT_MS = 10_000;

/**
 * Lets time pass by the second until something has happened: what a node had said before it was cut off may arrive late on a
 * busy machine, and counts as a sign of life then.
 */
async function passUntil(
  condition: () => boolean,
  clock: FakeClock,
  nodes: readonly TappedNode[],
): Promise<void> {
  for (let ms = 0; !condition() && ms < TIMEOUT_MS; ms += 1_000) await pass(clock, 1_000, nodes);
}

const hubs = ({ nodes }: Pick<Cluster, "nodes">) => nodes.map(({ hub }) => hub);
const stateOf = (seen: TappedNode, by: TappedNode) =>
  by.hub.cluster.nodes().find(({ id }) => id === seen.hub.nodeId)?.state;

/** The events of the cluster on a node, with the other nodes by their index. */
function diary({ hub }: TappedNode, nodes: readonly TappedNode[]): () => string[] {
  const told: [id: string, text: string][] = [];
  hub.cluster.on("join", ({ id }) => told.push([id, "joins"]));
  hub.cluster.on("leave", ({ id, reason }) => told.push([id, `leaves by ${reason}`]));
  hub.cluster.on("state", ({ id, state }) => told.push([id, `is ${state}`]));
  return () => told.map(([id, text]) => `${nodes.findIndex(({ hub }) => hub.nodeId === id)} ${text}`);
}

testOnAdapters("cluster: nodes() converges on start, join and graceful leave", async (start) => {
  await using cluster = await start(3);
  const fourth = await cluster.add();
  await acquainted(hubs(cluster));
  for (const { hub } of cluster.nodes) {
    const [self, ...others] = hub.cluster.nodes();
    assertEquals([self!.id, self!.self, self!.state], [hub.nodeId, true, "up"]);
    for (const { self, state, connections } of others) {
      assertEquals([self, state, connections], [false, "up", 0]);
    }
    assert(self!.startedAt > 1_600_000_000_000);
  }
  await fourth.member();
  assertEquals(fourth.hub.cluster.nodes()[0]!.connections, 1);
  await fourth.hub.close();
  await acquainted(hubs(cluster).slice(0, 3));
  // It said goodbye, so it is not down but gone.
  for (const { hub } of cluster.nodes.slice(0, 3)) assertEquals(hub.cluster.nodes().length, 3);
});

testOnAdapters(
  "cluster: nodes() converges on a crash: suspect after half the node timeout, down after all of it",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(3, { clock, heartbeatMs: 1e9 });
    const [a, b, c] = cluster.nodes;
    const told = diary(a!, cluster.nodes);
    await c!.member("cid");
    await pass(clock, HEARTBEAT_MS, cluster.nodes);
    await waitFor(() => a!.hub.cluster.estimate() === 1, { what: "the connection to be known" });
    assertEquals(stateOf(c!, a!), "up");
    c!.tap.cut();
    await pass(clock, TIMEOUT_MS / 2 - 1_000, [a!, b!]);
    assertEquals(stateOf(c!, a!), "up");
    await pass(clock, 2_000, [a!, b!]);
    assertEquals(stateOf(c!, a!), "suspect");
    await pass(clock, TIMEOUT_MS / 2, [a!, b!]);
    await passUntil(() => told().length > 1, clock, [a!, b!]);
    assertEquals(told(), ["2 is suspect", "2 is down", "2 leaves by silence"]);
    await acquainted([a!.hub, b!.hub]);
    for (const node of [a!, b!]) {
      const { state, connections } = node.hub.cluster.nodes().at(-1)!;
      assertEquals([state, connections, node.hub.cluster.estimate()], ["down", 0, 0]);
    }
    await pass(clock, TIMEOUT_MS * 10, [a!, b!]);
    assertEquals(stateOf(c!, a!), undefined); // after so long no node remembers it
  },
);

testOnAdapters("cluster: a new node is immediately reachable by publishes", async (start) => {
  await using cluster = await start(1, { clock: new FakeClock() }); // no heartbeat ever comes
  for (let n = 1; n < 5; n++) {
    const node = await cluster.add();
    const client = await node.member("ann");
    const heard: string[] = [];
    client.on("message", ({ text }) => heard.push(text));
    client.on("dm", ({ text }) => heard.push(text));
    await client.subscribe("stats", () => heard.push("topic")).ready;
    await client.request("join", { room: "lobby" });
    const [first] = cluster.nodes;
    first!.hub.room("lobby").broadcast("message", { room: "", text: "room" });
    first!.hub.publish("stats", { n });
    first!.hub.user("ann").emit("dm", { text: "user" });
    first!.hub.forRole("member").emit("dm", { text: "role" });
    first!.hub.connection(client.connectionId!).emit("dm", { text: "conn" });
    await waitFor(() => heard.length === 5, { what: "all five" });
  }
});

testOnAdapters(
  "cluster: a question right after a node is ready includes that node",
  async (start) => {
    await using cluster = await start(1, { cluster: { joinTimeoutMs: 5_000 } });
    for (let n = 1; n < 6; n++) {
      const node = await cluster.add();
      const [first] = cluster.nodes;
      assertEquals(reachable(first!.hub), hubs(cluster).map(({ nodeId }) => nodeId).sort());
      assertEquals(reachable(node.hub), reachable(first!.hub));
      node.hub.onServer("load", () => ({ conns: n }));
      assertEquals((await first!.hub.requestServers("load", {})).answers.get(node.hub.nodeId), { conns: n });
    }
  },
);

testOnAdapters(
  "cluster: nodes that start at the same moment know each other when they are ready",
  async (start) => {
    await using cluster = await start(1, { cluster: { joinTimeoutMs: 5_000 } });
    await Promise.all(Array.from({ length: 4 }, () => cluster.add()));
    const all = hubs(cluster).map(({ nodeId }) => nodeId).sort();
    for (const hub of hubs(cluster)) assertEquals(reachable(hub), all);
  },
);

testOnAdapters(
  "cluster: listeners are told of each join and leave once; a listener that throws does not disturb the others",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    a!.hub.cluster.on("join", () => {
      throw new Error("boom");
    });
    a!.hub.cluster.on("join", () => Promise.reject(new Error("later boom")));
    const told = diary(a!, cluster.nodes);
    let offTold = 0;
    const off = b!.hub.cluster.on("join", () => offTold++);
    off();
    off();
    const c = await cluster.add();
    await waitFor(() => told().length === 1, { what: "the join" });
    await c.hub.close();
    await waitFor(() => told().length === 2, { what: "the leave" });
    await cluster.add();
    await waitFor(() => told().length === 3, { what: "the other join" });
    assertEquals([told(), offTold], [["2 joins", "2 leaves by goodbye", "3 joins"], 0]);
    assertEquals(
      a!.errors.map(({ info }) => `${info.stage} ${info.name}`),
      Array(4).fill("listener cluster join"),
    );
  },
);

testOnAdapters(
  "cluster: a node that was frozen for longer than the node timeout comes back, once",
  async (start) => {
    const clock = new FakeClock(), frozen = new FakeClock();
    const patient = { heartbeatMs: 1e9 };
    await using cluster = await start(2, { clock, ...patient });
    const c = await cluster.add({ clock: frozen, ...patient });
    const [a, b] = cluster.nodes;
    await acquainted(hubs(cluster));
    const told = diary(a!, cluster.nodes), toldFrozen = diary(c, cluster.nodes);
    await pass(clock, TIMEOUT_MS + HEARTBEAT_MS, [a!, b!]);
    await passUntil(() => told().includes("2 leaves by silence"), clock, [a!, b!]);
    const last = told().length - 3; // before it may be a late sign of life: up, and suspect again
    assertEquals(told().slice(last), ["2 is suspect", "2 is down", "2 leaves by silence"]);
    frozen.advance(1);
    frozen.jump(TIMEOUT_MS + HEARTBEAT_MS); // it did nothing in all this time, and knows
    frozen.advance(1);
    await acquainted(hubs(cluster));
    await pass(clock, HEARTBEAT_MS, [a!, b!]);
    await acquainted(hubs(cluster));
    assertEquals(told().slice(last + 3), ["2 joins"]);
    assertEquals(toldFrozen(), []); // the others were never away
  },
);

testOnAdapters(
  "cluster: late messages of a node that was declared dead, or said goodbye, do not bring it back",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(3, { clock, heartbeatMs: 1e9 });
    const [a, b, c] = cluster.nodes;
    const told = diary(a!, cluster.nodes);
    c!.tap.cut();
    await pass(clock, TIMEOUT_MS + HEARTBEAT_MS, [a!, b!]);
    const card = { incarnation: 0, startedAt: 1, connections: 7, rank: 1, highest: 1, leader: "" };
    const late = (id: string) => {
      for (const kind of ["beat", "hello"]) a!.tap.inject("cluster", JSON.stringify([[kind, card]]), id);
      a!.tap.inject(`node:${a!.hub.nodeId}`, JSON.stringify([["here", card, []]]), id);
    };
    late(c!.hub.nodeId);
    assertEquals([stateOf(c!, a!), a!.hub.cluster.estimate()], ["down", 0]);
    await b!.hub.close();
    await waitFor(() => reachable(a!.hub).length === 1, { what: "the goodbye" });
    late(b!.hub.nodeId);
    assertEquals([stateOf(b!, a!), reachable(a!.hub)], [undefined, [a!.hub.nodeId]]);
    assertEquals(told(), ["2 is suspect", "2 is down", "2 leaves by silence", "1 leaves by goodbye"]);
    assertEquals(a!.errors.filter(({ info }) => info.stage === "delivery"), []);
  },
);

testOnAdapters("cluster: a node's memory of dead nodes is limited", async (start) => {
  const clock = new FakeClock();
  await using cluster = await start(1, { clock, heartbeatMs: 1e9 });
  const [a] = cluster.nodes;
  const say = (id: string, ...message: unknown[]) => a!.tap.inject("cluster", JSON.stringify([message]), id);
  for (let n = 0; n < 500; n++) {
    say(`node ${n}`, "hello", {
      incarnation: 0,
      startedAt: n,
      connections: 1,
      rank: 1,
      highest: 1,
      leader: "",
    });
  }
  assertEquals(a!.hub.cluster.nodes().length, 501);
  for (let n = 0; n < 100; n++) say(`node ${n}`, "bye");
  assertEquals(a!.hub.cluster.nodes().length, 401);
  await pass(clock, TIMEOUT_MS, []);
  const down = a!.hub.cluster.nodes().filter(({ state }) => state === "down");
  assertEquals([reachable(a!.hub).length, down.length], [1, 64]);
});

testOnAdapters(
  "cluster: all nodes agree on a leader, another one when it goes, and on one again after a split",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(4, { clock, heartbeatMs: 1e9 });
    const [a, b, c, d] = cluster.nodes;
    const led: string[] = [];
    const leaders = (nodes: readonly TappedNode[]) => nodes.map(({ hub }) => hub.cluster.leader().id);
    const [eldest] = leaders([a!]);
    assertEquals(leaders(cluster.nodes), Array(4).fill(eldest));
    const others = cluster.nodes.filter(({ hub }) => hub.nodeId !== eldest);
    for (const { hub } of others) hub.cluster.on("leader", ({ id }) => led.push(id));

    const lost = cluster.nodes.find(({ hub }) => hub.nodeId === eldest)!;
    lost.tap.cut();
    await pass(clock, TIMEOUT_MS + HEARTBEAT_MS, others);
    const [second] = leaders(others);
    assert(second !== eldest);
    assertEquals([leaders(others), led], [Array(3).fill(second), Array(3).fill(second)]);
    assertEquals(leaders([lost]), [eldest]); // which leads itself
    assertEquals(
      others.filter(({ hub }) => hub.cluster.leader().self).map(({ hub }) => hub.nodeId),
      [second],
    );

    lost.tap.heal();
    await pass(clock, HEARTBEAT_MS, others);
    await acquainted(hubs(cluster));
    await waitFor(() => led.length === 6, { what: "all nodes to follow the oldest again" });
    assertEquals(leaders(cluster.nodes), Array(4).fill(eldest));
    await lost.hub.close();
    await acquainted([a!, b!, c!, d!].filter((node) => node !== lost).map(({ hub }) => hub));
    assertEquals(leaders(others), Array(3).fill(second));
    await turn();
  },
);

testOnAdapters(
  "cluster: whatever clocks say, the first node leads, and a new node does not take over",
  async (start) => {
    const clock = new FakeClock();
    const now = Date.now;
    try {
      Date.now = () => 2_000;
      await using cluster = await start(3, { clock, heartbeatMs: 1e9 });
      const leaders = (nodes: readonly TappedNode[]) => nodes.map(({ hub }) => hub.cluster.leader().id);
      const [first, second, third] = cluster.nodes;
      assertEquals(leaders(cluster.nodes), Array(3).fill(first!.hub.nodeId)); // it started alone, the others came to it
      const told: string[] = [];
      for (const { hub } of [second!, third!]) hub.cluster.on("leader", ({ id }) => told.push(id));
      const joining: TappedNode[] = [];
      for (const at of [0, 1_000, 3_000]) { // their clocks are behind, or wrong, or right
        Date.now = () => at;
        const node = await cluster.add();
        assertEquals(node.hub.cluster.leader().id, first!.hub.nodeId); // from when it is ready
        joining.push(node);
        await pass(clock, HEARTBEAT_MS, cluster.nodes);
      }
      assertEquals([leaders(cluster.nodes), told], [Array(6).fill(first!.hub.nodeId), []]);

      first!.tap.cut(); // it dies, and is started again, with a clock that is an hour behind
      Date.now = () => 0;
      const again = await cluster.add({ cluster: { joinTimeoutMs: 0 } });
      const living = cluster.nodes.slice(1);
      await pass(clock, TIMEOUT_MS + HEARTBEAT_MS, living);
      await acquainted(living.map(({ hub }) => hub));
      const next = second!.hub.nodeId;
      assertEquals([leaders(living), leaders([again])], [Array(6).fill(next), [next]]);
      assertEquals(told, [next, next]);
      for (const gone of [second!, third!, ...joining]) {
        await gone.hub.close();
        await acquainted(living.slice(living.indexOf(gone) + 1).map(({ hub }) => hub));
        const rest = living.slice(living.indexOf(gone) + 1);
        assertEquals(leaders(rest), Array(rest.length).fill(rest[0]!.hub.nodeId)); // in the order in which they came
      }
    } finally {
      Date.now = now;
    }
  },
);

testOnAdapters("cluster: a node that was alone goes behind the nodes that it meets late", async (start) => {
  const clock = new FakeClock();
  await using cluster = await start(2, { clock, heartbeatMs: 1e9 });
  const [a, b] = cluster.nodes;
  const alone = await cluster.add({ cluster: { joinTimeoutMs: 0 } });
  await acquainted(hubs(cluster));
  for (const { hub } of [a!, b!, alone]) assertEquals(hub.cluster.leader().id, a!.hub.nodeId);
});

for (const [name, createBackbone] of Object.entries(ADAPTERS)) {
  test(`cluster: a hub can be closed while it waits for the others to know it [${name}]`, async () => {
    const backbone = createBackbone();
    await using cluster = await startCluster(backbone, 1);
    cluster.nodes[0]!.tap.cut(); // it answers no node
    const tap = new Tap(backbone());
    const hub = createHub(chat, {
      authenticate: ({ role }) => ({ role }),
      transports: [createLoopbackTransport()],
      adapter: tap,
      cluster: { joinTimeoutMs: 60_000 },
    });
    const ready = codeOf(() => hub.ready);
    await waitFor(() => tap.publishedOn("cluster").length > 0, { what: "the greeting" });
    assertEquals((await hub.routes.request("/health/ready")).status, 503);
    await hub.close();
    assertEquals(await ready, "UNAVAILABLE");
  });
}
