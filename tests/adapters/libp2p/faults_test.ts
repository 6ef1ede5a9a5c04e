import { assert, assertEquals } from "@std/assert";
import type { Socket } from "node:net";
import { createLibp2pIdentity } from "../../../adapters/libp2p/mod.ts";
import { test, waitFor } from "../../harness.ts";
import { startOtherServer, type TestNode } from "../test_node.ts";
import { startElsewhere } from "./processes.ts";
import { APART, Network, openNode, PROBES } from "./scene.ts";

const LOST = "is lost";
/** Long enough for a process that starts while the machine is busy. */
const LONG = { timeoutMs: 90_000 };

/** Checks that messages of each node reach each other node. */
async function checkAllReachAll(nodes: readonly TestNode[], word: string): Promise<void> {
  for (const node of nodes) node.adapter.publish("news", `${word} of ${node.nodeId}`);
  for (const node of nodes) {
    for (const other of nodes) if (other !== node) await node.got("news", `${word} of ${other.nodeId}`);
  }
}

function assertNothingTwice(texts: readonly unknown[]): void {
  assertEquals(texts.filter((text, i) => texts.indexOf(text) !== i), [], "came twice");
}

/** Numbers that come later are higher. */
function assertInOrder(texts: readonly string[]): void {
  const numbers = texts.filter((text) => text.startsWith("n ")).map((text) => Number(text.slice(2)));
  assertEquals(numbers, numbers.toSorted((x, y) => x - y));
}

test(
  "libp2p: the others learn at once that a node's process was killed, do not wait for it, and it may come again",
  async () => {
    await using network = await Network.create();
    const discovery = { relays: [network.relay] };
    const place = await network.place();
    await using a = await openNode({ discovery, ...APART }, "news");
    await using b = await openNode({ discovery, ...APART }, "news");
    {
      await using doomed = await startElsewhere({ discovery, ...place.options });
      a.adapter.publish("news", "ping 1");
      for (const node of [a, b]) await node.got("news", "pong 1");
      const before = performance.now();
      doomed.signal("SIGKILL");
      for (const node of [a, b]) await node.until(() => node.words().includes(LOST), "the loss to be told");
      await b.adapter.subscribe("more");
      await checkAllReachAll([a, b], "still");
      const ms = performance.now() - before;
      assert(ms < APART.probeTimeoutMs, `${ms} ms went by`);
    }
    // The same identity at the same place, in a process of its own.
    await using _again = await startElsewhere({ discovery, ...place.options });
    a.adapter.publish("news", "ping 2");
    for (const node of [a, b]) await node.got("news", "pong 2");
    for (const node of [a, b]) {
      assertEquals([node.statuses, node.gaps, node.errors.length], [["up"], [], 1], node.words());
      assertNothingTwice(node.on("news"));
    }
  },
  LONG,
);

test(
  "libp2p: a frozen node does not delay the others, is given up in time, and sees its return as a gap",
  async () => {
    await using network = await Network.create();
    const discovery = { relays: [network.relay] };
    await using a = await openNode({ discovery }, "news");
    await using b = await openNode({ discovery }, "news");
    await using frozen = await startElsewhere({ discovery });
    let number = 0;
    const publish = (count: number) => {
      while (count-- > 0) a.adapter.publish("news", `n ${number++}`);
      return `n ${number - 1}`;
    };
    await frozen.says("got", publish(10));
    frozen.signal("SIGSTOP");
    await b.got("news", publish(500));
    const subscribing = b.adapter.subscribe("more"); // waits for the frozen one, but not for ever
    for (const node of [a, b]) await node.until(() => node.words().includes(LOST), "the loss to be told");
    await subscribing;
    await b.got("news", publish(500));
    const since = performance.now();
    assertEquals(b.on("news").length, 1_010);
    assertEquals([a.gaps, b.gaps, a.statuses, b.statuses], [[], [], ["up"], ["up"]]);
    // Longer than gossipsub keeps what others may ask for.
    await waitFor(() => performance.now() - since > 5_200, { timeoutMs: 10_000 });
    frozen.signal("SIGCONT");
    await frozen.says("gap");
    a.adapter.publish("news", "ping after");
    for (const node of [a, b]) await node.got("news", "pong after");
    assert(frozen.got.includes("ping after"));
    assertNothingTwice(frozen.got);
    assertInOrder(frozen.got);
    assertEquals([a.gaps, b.gaps], [[], []], "nobody else has a gap");
  },
  LONG,
);

test("libp2p: a node that is frozen only for a moment loses nothing, and no report is made", async () => {
  await using network = await Network.create();
  const discovery = { relays: [network.relay] };
  const times = { probeIntervalMs: 200, probeTimeoutMs: 10_000 };
  await using a = await openNode({ discovery, ...APART, ...times }, "news");
  await using frozen = await startElsewhere({ discovery, ...times });
  frozen.signal("SIGSTOP");
  for (let i = 0; i < 500; i++) a.adapter.publish("news", `n ${i}`);
  // More than a round of gossip, which would send all again.
  const since = performance.now();
  await waitFor(() => performance.now() - since > 1_200);
  frozen.signal("SIGCONT");
  await frozen.says("got", "n 499");
  assertEquals(frozen.got, Array.from({ length: 500 }, (_, i) => `n ${i}`));
  assertEquals([a.errors, a.gaps, frozen.words.filter(({ kind }) => kind === "gap" || kind === "error")], [
    [],
    [],
    [],
  ]);
}, LONG);

test(
  "libp2p: a partition is noticed on both sides, each goes on, and it heals with a gap and nothing twice",
  async () => {
    await using network = await Network.create();
    const places = [await network.place(), await network.place(), await network.place()] as const;
    const [first, second, third] = places;
    const open = (place: typeof first, address: string) =>
      openNode({ ...place.options, ...APART, discovery: { bootstrap: [address] } }, "news");
    await using a = await open(first, first.address);
    await using b = await open(second, first.address);
    // Reaches b past the proxies, so that both are on one side.
    await using c = await open(third, network.addresses[1]!);
    const all = [a, b, c];
    await checkAllReachAll(all, "before");
    network.blackhole();
    for (const node of all) node.adapter.publish("news", `unnoticed of ${node.nodeId}`);
    await a.is("down");
    for (const node of [b, c]) await node.until(() => node.words().includes(LOST), "the loss to be told");
    for (const node of all) node.adapter.publish("news", `apart of ${node.nodeId}`);
    await checkAllReachAll([b, c], "on this side");
    network.heal();
    await a.is("up");
    await checkAllReachAll(all, "after");
    // Messages of the isolated node from before the others noticed it came late, or were reported as a gap.
    for (const node of [b, c]) {
      await node.until(
        () => node.gaps.length > 0 || node.on("news").includes(`unnoticed of ${a.nodeId}`),
        "a gap, or what was missed",
      );
      assertEquals(node.statuses, ["up"]);
    }
    assertEquals(a.statuses, ["up", "down", "up"]);
    assert(a.words().includes(`publish: `), "what it could not publish is told");
    for (const node of all) assertNothingTwice(node.on("news"));
  },
  LONG,
);

test("libp2p: a node that loses its only peer again while it comes back is not up", async () => {
  await using network = await Network.create();
  const [first, second, away] = [await network.place(), await network.place(), await network.place()];
  const open = (place: typeof first, ...bootstrap: string[]) =>
    openNode({ ...place.options, ...PROBES, discovery: { bootstrap } }, "news");
  // The third node is never there, and each attempt to reach it takes long. A node that comes back waits for it.
  away.proxy.blackhole();
  await using b = await open(second, second.address);
  await using a = await open(first, second.address, away.address);
  await checkAllReachAll([a, b], "before");
  const proxies = [first.proxy, second.proxy];
  do {
    for (const proxy of proxies) proxy.blackhole();
    for (const proxy of proxies) proxy.cut();
    await Promise.all([a.is("down"), b.is("down")]);
    for (const proxy of proxies) proxy.heal();
    await b.is("up");
  } while (a.statuses.at(-1) === "up");
  const before = a.statuses.length;
  for (const proxy of proxies) proxy.blackhole();
  for (const proxy of proxies) proxy.cut();
  const since = performance.now();
  await waitFor(() => performance.now() - since > 2 * PROBES.connectTimeoutMs, { timeoutMs: 10_000 });
  assertEquals(a.statuses.slice(before), []);
  for (const proxy of proxies) proxy.heal();
  await Promise.all([a.is("up"), b.is("up")]);
  await checkAllReachAll([a, b], "after");
}, LONG);

test(
  "libp2p: each dial that gets no answer is closed when its time is up, and when the node closes",
  async () => {
    await using network = await Network.create();
    const [place, { peerId }] = [await network.place(), await createLibp2pIdentity()];
    const sockets = new Set<Socket>();
    let dials = 0;
    await using silent = await startOtherServer((socket) => {
      dials++;
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).resume();
    });
    try {
      const bootstrap = [place.address, `/ip4/127.0.0.1/tcp/${silent.port}/p2p/${peerId}`];
      const discovery = { bootstrap };
      await using _node = await openNode({ ...place.options, discovery, connectTimeoutMs: 500 }, "news");
      assertEquals(dials, 1);
      await waitFor(() => sockets.size === 0, { what: "the end of the first dial" });
      await waitFor(() => dials > 1 && sockets.size === 1, { what: "another dial" });
    } finally {
      await waitFor(() => sockets.size === 0, { what: "the end of the last dial" })
        .finally(() => sockets.forEach((socket) => socket.destroy()));
    }
  },
  LONG,
);
