import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../tools/brokers/ports.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode, Network, openNode, startBareNode } from "./scene.ts";

/** Of dials that a dead network has kept waiting: they end a moment after the node, by themselves. */
const QUEUES = "short timers of libp2p's queues";

test("libp2p: a burst of 20,000 messages in one turn arrives whole and in order", async () => {
  await using network = await Network.create();
  const discovery = { relays: [network.relay] };
  await using a = await openNode({ discovery });
  await using b = await openNode({ discovery }, "burst");
  for (let i = 0; i < 20_000; i++) a.adapter.publish("burst", `${i}`);
  await b.got("burst", "19999");
  assertEquals(b.on("burst").length, 20_000);
  assert(b.on("burst").every((data, i) => data === `${i}`));
  assertEquals([a.errors, a.statuses, b.gaps], [[], ["up"], []]);
}, { timeoutMs: 60_000 });

test("libp2p: messages that other nodes do not accept are limited, and the rest is refused and reported", async () => {
  await using network = await Network.create();
  const discovery = { relays: [network.relay] };
  await using a = await openNode({ discovery, maxPendingBytes: 3_000_000 });
  await using b = await openNode({ discovery }, "large");
  const large = "x".repeat(500_000);
  for (let i = 0; i < 20; i++) a.adapter.publish("large", large);
  a.adapter.publish("small", "does not count");
  await waitFor(() => a.errors.length > 0);
  assertStringIncludes(a.words(), "other nodes do not keep up");
  await waitFor(() => b.on("large").length >= 5, { timeoutMs: 20_000 });
  assert(b.on("large").length <= 7);
});

test(
  "libp2p: nodes that lose each other are down until they reach each other again",
  async () => {
    await using network = await Network.create();
    const places = [await network.place(), await network.place(), await network.place()];
    const bootstrap = places.map(({ address }) => address);
    const open = ({ options }: typeof places[0]) =>
      openNode({ ...options, discovery: { bootstrap } }, "news");
    const [a, b, c] = [await open(places[0]!), await open(places[1]!), await open(places[2]!)];
    try {
      a.adapter.publish("news", "first");
      await Promise.all([b.got("news", "first"), c.got("news", "first")]);
      network.stop();
      for (const node of [a, b, c]) await node.is("down");
      network.heal();
      for (const node of [a, b, c]) await node.is("up");
      a.adapter.publish("news", "second");
      await Promise.all([b.got("news", "second"), c.got("news", "second")]);
      assertEquals([b.on("news"), c.on("news")], [["first", "second"], ["first", "second"]]);
    } finally {
      for (const node of [a, b, c]) await node.adapter.close();
    }
  },
  { timeoutMs: 60_000, leaves: QUEUES },
);

test(
  "libp2p: a node whose process has ended does not take the last one down, but a network that is away does",
  async () => {
    await using network = await Network.create();
    const [here, there] = [await network.place(), await network.place()];
    const bootstrap = [here.address];
    await using a = await openNode({ ...here.options, discovery: { bootstrap } }, "news");
    await using b = await openNode({ ...there.options, discovery: { bootstrap } }, "news");
    b.adapter.publish("news", "hello");
    await a.got("news", "hello");
    // Node a finds no listener at the address of b, and b gets no answer.
    await there.proxy.close();
    here.proxy.blackhole();
    here.proxy.cut();
    await b.is("down");
    assertEquals(a.statuses, ["up"]);
    assertStringIncludes(a.errors[0]!.error.message, "The connection to libp2p at /ip4/127.0.0.1/tcp/");
  },
  { leaves: QUEUES },
);

test("libp2p: a node that leaves does not take the last one down", async () => {
  await using network = await Network.create();
  const place = await network.place();
  await using a = await openNode(place.options, "news");
  const b = await openNode({ discovery: { bootstrap: [place.address] } }, "news");
  a.adapter.publish("news", "hello");
  await b.got("news", "hello");
  await b.adapter.close();
  a.adapter.publish("news", "to nobody");
  assertEquals([a.statuses, a.errors], [["up"], []]);
});

test("libp2p: nodes behind a name find each other, also those that start later", async () => {
  const port = await freePort();
  const records: string[] = [];
  const dns = { hostname: "nodes.test", port, intervalMs: 200, resolve: () => Promise.resolve([...records]) };
  const options = (ip: string) => ({ listen: [`/ip4/${ip}/tcp/${port}`], discovery: { dns } });
  records.push("127.0.0.1");
  await using a = await openNode(options("127.0.0.1"), "news");
  records.push("127.0.0.2");
  await using b = await openNode(options("127.0.0.2"), "news");
  a.adapter.publish("news", "hello");
  await b.got("news", "hello");
  records.push("127.0.0.3");
  await using c = await openNode(options("127.0.0.3"), "news");
  c.adapter.publish("news", "late");
  await Promise.all([a.got("news", "late"), b.got("news", "late")]);
  assertEquals([a.errors, b.errors, c.errors], [[], [], []]);
});

test("libp2p: nodes in one network find each other by multicast", async () => {
  const discovery = { mdns: { port: await freePort(), intervalMs: 500 } };
  await using a = await openNode({ discovery }, "news");
  await using b = await openNode({ discovery }, "news");
  await waitFor(() => {
    b.adapter.publish("news", "hello");
    return a.received.length > 0;
  }, { timeoutMs: 15_000 });
});

test("libp2p: an identity is kept in a file that only its owner can read, and is the same the next time", async () => {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-"));
  try {
    const identityFile = join(folder, "node.key");
    const opened = () => openNode({ identityFile }).then((node) => node.adapter.close());
    await opened();
    const kept = await readFile(identityFile, "utf8");
    assertEquals((await stat(identityFile)).mode & 0o777, 0o600);
    await opened();
    assertEquals(await readFile(identityFile, "utf8"), kept);
    await writeFile(identityFile, "no key, but a secret");
    const error = await assertRejects(() => openNode({ identityFile }), Error, identityFile);
    assert(!error.message.includes("secret"));
    await assertRejects(() => openNode({ identityFile: folder }), Error, folder);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test(
  "libp2p: a port that is taken is refused with the address, and a node serves one adapter of a prefix",
  async () => {
    const port = await freePort();
    const listen = [`/ip4/127.0.0.1/tcp/${port}`];
    await using _first = await openNode({ listen });
    await using second = createNode({ listen });
    await assertRejects(() => second.opening, Error, `Cannot start libp2p at /ip4/127.0.0.1/tcp/${port}`);
    await using bare = await startBareNode();
    await using a = await openNode({ node: bare.node });
    await using again = createNode({ node: bare.node });
    await assertRejects(() => again.opening, TypeError, "two adapters of the same prefix");
    await using other = await openNode({ node: bare.node, prefix: "another" });
    assertEquals([a.errors, other.errors], [[], []]);
  },
  { leaves: "a timer of 100 ms of gossipsub, where its node cannot start" },
);
