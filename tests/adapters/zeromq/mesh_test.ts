import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { startProxy } from "../../../tools/brokers/proxy.ts";
import { nameOf } from "../../../adapters/zeromq/names.ts";
import { FakeClock } from "../../fake_clock.ts";
import { waitFor } from "../../harness.ts";
import { createAdapter, freeAddress, onDeno, openNode, startElsewhere } from "./scene.ts";
import { type TestNode, testNode } from "../test_node.ts";

const test = onDeno("zeromq mesh");

/** Checks that messages of each node reach each other node. */
async function checkAllReachAll(nodes: readonly TestNode[], word: string): Promise<void> {
  for (const node of nodes) node.adapter.publish("news", `${word} of ${node.nodeId}`);
  for (const node of nodes) {
    for (const other of nodes) if (other !== node) await node.got("news", `${word} of ${other.nodeId}`);
  }
}

test(
  "zeromq mesh: a node that knows one peer reaches all, and all reach it, as soon as it is open",
  async () => {
    const seed = await freeAddress();
    await using a = await openNode({ bind: seed });
    await using b = await openNode({ bind: "tcp://127.0.0.1:*", peers: [seed] });
    for (const node of [a, b]) await node.adapter.subscribe("news");
    await using c = await openNode({ bind: "tcp://127.0.0.1:*", peers: [seed] });
    c.adapter.publish("news", "at once");
    await b.got("news", "at once");
    await c.adapter.subscribe("news");
    b.adapter.publish("news", "and back");
    await c.got("news", "and back");
    assertEquals(await a.adapter.countListeners!("news"), 3);
  },
);

test("zeromq mesh: nodes start in any order, and a node that is found late is reported as a gap", async () => {
  const late = await freeAddress();
  await using a = await openNode({ bind: "tcp://127.0.0.1:*", peers: [late] });
  await a.adapter.subscribe("news");
  await using b = await openNode({ bind: late }); // knows no other node
  await b.adapter.subscribe("news");
  await a.until(() => a.gaps.includes(undefined), "a gap, as both were open before they met");
  await b.until(() => b.gaps.includes(undefined), "a gap");
  await checkAllReachAll([a, b], "hello");
});

test("zeromq mesh: a peer that starts late is connected at once to the nodes that look for it", async () => {
  const [early, late] = [await freeAddress(), await freeAddress()];
  const clock = new FakeClock(); // no pause ever ends
  await using a = await openNode({ bind: early, peers: [late], clock });
  await using b = await openNode({ bind: late, peers: [early] });
  for (const node of [a, b]) await node.adapter.subscribe("news");
  await checkAllReachAll([a, b], "hello");
  assertEquals(b.words(), "");
});

test("zeromq mesh: a node may be its own peer, and be known by two names", async () => {
  const [bind, other] = [await freeAddress(), await freeAddress()];
  await using a = await openNode({ bind, peers: [bind, bind.replace("127.0.0.1", "localhost")] });
  await using b = await openNode({ bind: other, peers: [bind, bind.replace("127.0.0.1", "localhost")] });
  for (const node of [a, b]) await node.adapter.subscribe("news");
  for (let i = 0; i < 20; i++) a.adapter.publish("news", `${i}`);
  await b.got("news", "19");
  assertEquals(b.on("news"), Array.from({ length: 20 }, (_, i) => `${i}`));
  assertEquals([a.words(), b.words()], ["", ""]);
});

test("zeromq mesh: a peer with another prefix refuses, and says why", async () => {
  const seed = await freeAddress();
  await using _other = await openNode({ bind: seed, prefix: "another app" });
  const error = await assertRejects(() => openNode({ bind: "tcp://127.0.0.1:*", peers: [seed] }), Error);
  assertStringIncludes(error.message, "ZeroMQ");
  assertStringIncludes(error.message, seed);
  assertStringIncludes(error.message, "another prefix");
});

test("zeromq mesh: an address that is taken ends open with an error that says what to set", async () => {
  const bind = await freeAddress();
  await using _first = await openNode({ bind });
  const error = await assertRejects(() => openNode({ bind }), Error);
  assertStringIncludes(error.message, bind);
  assertStringIncludes(error.message, "another program listens there; set bind");
});

test("zeromq mesh: the others learn that a node was killed, and do not wait for it", async () => {
  const seed = await freeAddress();
  await using a = await openNode({ bind: seed });
  await a.adapter.subscribe("news");
  await using b = await openNode({ bind: "tcp://127.0.0.1:*", peers: [seed] });
  await using doomed = await startElsewhere({ bind: "tcp://127.0.0.1:*", peers: [seed] });
  a.adapter.publish("news", "ping 1");
  await a.got("news", "pong 1");
  doomed.signal("SIGKILL");
  await a.until(() => a.words().includes("Lost the node"), "the loss to be told");
  const before = performance.now();
  await b.adapter.subscribe("news");
  assert(performance.now() - before < 1_000, "a subscribe waited for a node that is dead");
  await checkAllReachAll([a, b], "still");
  assertEquals(a.statuses, ["up"]);
});

test("zeromq mesh: a node that is frozen is given up in time, and its return is a gap", async () => {
  const seed = await freeAddress();
  const times = { probeIntervalMs: 300, probeTimeoutMs: 700 };
  await using a = await openNode({ bind: seed, ...times });
  await a.adapter.subscribe("news");
  await using frozen = await startElsewhere({ bind: "tcp://127.0.0.1:*", peers: [seed], ...times });
  frozen.signal("SIGSTOP");
  const subscribing = a.adapter.subscribe("more"); // waits for the frozen one, but not for ever
  await a.until(() => a.words().includes("Lost the node"), "the loss to be told");
  await subscribing;
  assertEquals(a.gaps, []);
  frozen.signal("SIGCONT");
  await a.until(() => a.gaps.includes(undefined), "its return to be told as a gap");
  await waitFor(() => {
    a.adapter.publish("news", "ping after");
    return a.on("news").includes("pong after");
  }, { timeoutMs: 10_000, what: "an answer" });
});

test(
  "zeromq mesh: a partition is noticed on both sides, and heals with a gap and without a duplicate",
  async () => {
    const [seed, bind] = [await freeAddress(), await freeAddress()];
    const portOf = (address: string) => Number(address.split(":").at(-1));
    await using toA = await startProxy(portOf(seed));
    await using toB = await startProxy(portOf(bind));
    const times = { probeIntervalMs: 300, probeTimeoutMs: 700 };
    const advertised = [toA, toB].map(({ port }) => `tcp://127.0.0.1:${port}`);
    await using a = await openNode({ bind: seed, advertise: advertised[0], ...times });
    await using b = await openNode({ bind, advertise: advertised[1], peers: [advertised[0]!], ...times });
    for (const node of [a, b]) await node.adapter.subscribe("news");
    await checkAllReachAll([a, b], "before");
    for (const line of [toA, toB]) line.blackhole();
    a.adapter.publish("news", "lost");
    for (const node of [a, b]) await node.until(() => node.words().includes("Lost the node"), "the loss");
    assertStringIncludes(a.words(), "may not have got the last");
    for (const line of [toA, toB]) line.heal();
    for (const node of [a, b]) await node.until(() => node.gaps.includes(undefined), "a gap");
    await checkAllReachAll([a, b], "after");
    for (const node of [a, b]) assertEquals(new Set(node.on("news")).size, node.on("news").length);
  },
);

test(
  "zeromq mesh: messages without room at a slow node are reported, and that node learns of its gap",
  async () => {
    const seed = await freeAddress();
    const line = await startProxy(Number(seed.split(":").at(-1)));
    await using _line = line;
    const times = { probeIntervalMs: 20_000, probeTimeoutMs: 20_000 };
    await using slow = await openNode({ bind: seed, advertise: `tcp://127.0.0.1:${line.port}`, ...times });
    await slow.adapter.subscribe("news");
    await slow.adapter.subscribe("other");
    const maxPendingBytes = 1024 * 1024;
    const peers = [`tcp://127.0.0.1:${line.port}`];
    await using a = await openNode({ bind: "tcp://127.0.0.1:*", peers, maxPendingBytes, ...times });
    line.blackhole();
    for (let i = 0; i < 40; i++) a.adapter.publish("news", `${i} ${"x".repeat(100_000)}`);
    await a.until(() => a.words().includes("more than maxPendingBytes"), "the loss to be reported");
    line.heal();
    await slow.until(() => slow.gaps.length > 0, "the gap");
    assertEquals(slow.gaps, [["news"]]);
    const numbers = slow.on("news").map((text) => parseInt(text as string));
    assertEquals(
      numbers,
      Array.from({ length: numbers.length }, (_, i) => i),
      "what came is the beginning, in order",
    );
    a.adapter.publish("news", "later");
    await slow.got("news", "later");
  },
);

test(
  "zeromq mesh: close settles while peers are away, and an open that waits is ended by its signal",
  async () => {
    const line = await startProxy(1);
    await using _line = line;
    line.blackhole(); // takes connections and says nothing
    const { adapter, opening } = testNode(createAdapter({
      bind: "tcp://127.0.0.1:*",
      peers: [`tcp://127.0.0.1:${line.port}`],
      connectTimeoutMs: 60_000,
    }));
    await adapter.close();
    await assertRejects(() => opening, Error, "closed meanwhile");
  },
);

test("zeromq mesh: a loss that a node reports thousands of times is passed on once", async () => {
  const seed = await freeAddress();
  await using a = await openNode({ bind: seed });
  await a.adapter.subscribe("news");
  const zmq = await import("zeromq");
  const options = { routingId: crypto.randomUUID(), linger: 0, sendTimeout: 0, receiveTimeout: 0 };
  const socket = new zmq.Dealer(options);
  try {
    socket.connect(seed);
    const hello = { v: 1, prefix: "tests", id: "confused", address: "tcp://127.0.0.1:1", joined: false };
    await socket.send([JSON.stringify(["hello", hello])]);
    const name = nameOf("news");
    await socket.send([JSON.stringify(["lost", Array(1_000).fill(name)])]);
    await a.until(() => a.gaps.length > 0, "a gap");
    await socket.send([JSON.stringify(["lost", Array.from({ length: 1_000 }, (_, i) => `${name}${i}`)])]);
    await a.until(() => a.gaps.includes(undefined), "a gap of everything");
    assertEquals(a.gaps, [["news"], undefined]);
  } finally {
    socket.close();
  }
});
