import { assert, assertEquals, assertRejects } from "@std/assert";
import type { AdapterData } from "../../../adapters/adapter.ts";
import { Names, partitionOf, placePartitions, slotOf } from "../../../adapters/redis_cluster/partitions.ts";
import { type RedisCluster, startRedisCluster } from "../../../tools/brokers/redis_cluster.ts";
import { test, waitFor } from "../../harness.ts";
import { ask, connectionsOf, createNode, openNode } from "./scene.ts";
import type { TestNode } from "../test_node.ts";

const PLACES = placePartitions(64);
const OPTIONS = { timeoutMs: 120_000 };

const slotOfChannel = (channel: string) => PLACES[partitionOf(channel, PLACES.length)]!.slot;

/** Channels whose partitions are served by this master. */
async function channelsOn(cluster: RedisCluster, port: number, count: number): Promise<string[]> {
  const channels: string[] = [];
  for (let i = 0; channels.length < count; i++) {
    const channel = `channel ${i}`;
    if ((await cluster.masterOf(slotOfChannel(channel))).port === port) channels.push(channel);
  }
  return channels;
}

/** Publishes 1, 2, 3 and so on, on some channels in turns, until it is stopped. */
class Stream implements Disposable {
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #node: TestNode;
  readonly #channels: readonly string[];
  #last = 0;

  constructor(node: TestNode, ...channels: string[]) {
    this.#node = node;
    this.#channels = channels;
    this.#timer = setInterval(() => this.publish(), 1);
  }

  /** Publishes the next number on all channels. */
  publish(): string {
    const text = `${++this.#last}`;
    for (const channel of this.#channels) this.#node.adapter.publish(channel, text);
    return text;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Checks that messages arrived in order, and none twice. */
function assertRising(data: readonly AdapterData[]): void {
  const numbers = data.map(Number);
  const at = numbers.findIndex((n, i) => i > 0 && n <= numbers[i - 1]!);
  assert(at < 0, `${numbers[at]} came after ${numbers[at - 1]}, at ${at} of ${numbers.length}`);
}

/** Waits until messages arrive again. */
async function flows(stream: Stream, node: TestNode, ...channels: string[]): Promise<void> {
  const from = Number(stream.publish());
  for (const channel of channels) {
    await waitFor(() => Number(node.on(channel).at(-1)) > from, {
      what: `what was published after ${from} on "${channel}"`,
      timeoutMs: 30_000,
    });
  }
}

test(
  "redis-cluster: channels live on the shard of their partition, over one subscriber connection a shard",
  async () => {
    await using cluster = await startRedisCluster();
    const channels = Array.from({ length: 300 }, (_, i) => `channel ${i}`);
    await using all = await openNode(cluster.url, ...channels);
    const [first] = await channelsOn(cluster, cluster.nodes[0]!.port, 1);
    await using one = await openNode(cluster.url, first!);
    const names = new Names("trunkline");
    const found: string[] = [];
    for (const { port, id } of cluster.nodes) {
      const there = await ask(port, "PUBSUB", "SHARDCHANNELS", "trunkline:*:channel *") as string[];
      assert(there.length > 50, `Only ${there.length} of 300 channels are on this shard`);
      found.push(...there);
      for (const name of there) assertEquals((await cluster.masterOf(await cluster.slotOf(name))).id, id);
      assertEquals(await connectionsOf(all.nodeId, port), ["trunkline-publish", "trunkline-subscribe"]);
    }
    const wanted = channels.map((channel) =>
      names.of(PLACES[partitionOf(channel, PLACES.length)]!.tag, channel)
    );
    assertEquals(found.sort(), wanted.sort());
    const subscribers = await Promise.all(cluster.nodes.map(({ port }) => connectionsOf(one.nodeId, port)));
    assertEquals(subscribers.map((names) => names.includes("trunkline-subscribe")), [true, false, false]);
    await all.adapter.close();
    for (const { port } of cluster.nodes) {
      await waitFor(async () => (await connectionsOf(all.nodeId, port)).length === 0, {
        what: "no connection",
      });
      assertEquals(await ask(port, "PUBSUB", "SHARDCHANNELS", "*:channel 299"), []);
    }
  },
  OPTIONS,
);

test("redis-cluster: a node with nothing to listen to has no subscriber connection", async () => {
  await using cluster = await startRedisCluster();
  await using node = await openNode(cluster.url, "a");
  const subscribers = async () => {
    const all = await Promise.all(cluster.nodes.map(({ port }) => connectionsOf(node.nodeId, port)));
    return all.flat().filter((name) => name === "trunkline-subscribe").length;
  };
  assertEquals(await subscribers(), 1);
  await node.adapter.unsubscribe("a");
  await waitFor(async () => await subscribers() === 0, { what: "no subscriber", timeoutMs: 20_000 });
  await node.adapter.subscribe("a");
  assertEquals([await subscribers(), node.statuses], [1, ["up"]]);
}, OPTIONS);

test("redis-cluster: nodes that disagree about the number of partitions never meet", async () => {
  await using cluster = await startRedisCluster();
  await using a = await openNode({ nodes: cluster.url, partitions: 16 }, "news");
  await using b = await openNode({ nodes: cluster.url, partitions: 16 }, "news");
  await using other = await openNode({ nodes: cluster.url, partitions: 1 }, "news");
  other.adapter.publish("news", "astray");
  a.adapter.publish("news", "ours");
  await b.got("news", "ours");
  assertEquals([b.on("news"), other.received], [["ours"], []]);
}, OPTIONS);

test(
  "redis-cluster: a slot that moves takes its subscriptions along, in order and nothing twice, while others publish",
  async () => {
    await using cluster = await startRedisCluster();
    const channels = ["moving", "resting"];
    await using publisher = await openNode(cluster.url);
    await using listener = await openNode(cluster.url, ...channels);
    await using second = await openNode(cluster.url, ...channels);
    const slot = slotOfChannel("moving");
    assert(slot !== slotOfChannel("resting"));
    using stream = new Stream(publisher, ...channels);
    for (let round = 0; round < 4; round++) {
      const from = await cluster.masterOf(slot);
      const to = cluster.nodes.find(({ id }) => id !== from.id)!;
      await flows(stream, listener, ...channels);
      await cluster.migrateSlot(slot, to);
      await flows(stream, listener, ...channels);
      await flows(stream, second, ...channels);
      assertEquals(await ask(from.port, "PUBSUB", "SHARDCHANNELS", "*:moving"), []);
      assertEquals((await ask(to.port, "PUBSUB", "SHARDCHANNELS", "*:moving") as string[]).length, 1);
    }
    for (const node of [listener, second]) {
      for (const channel of channels) assertRising(node.on(channel));
      // It is no outage: of the one channel that has moved messages may be missing, and of no other.
      const moves = Array.from({ length: 4 }, () => ["moving"]);
      assertEquals([node.statuses, node.gaps], [["up"], moves], node.words());
    }
    assertEquals([publisher.statuses, publisher.gaps], [["up"], []], publisher.words());
  },
  OPTIONS,
);

test("redis-cluster: channels may be joined and left while their slot moves", async () => {
  await using cluster = await startRedisCluster();
  await using publisher = await openNode(cluster.url);
  await using node = await openNode(cluster.url, "room");
  const slot = slotOfChannel("room");
  // All of the partition that moves.
  const channels: string[] = [];
  for (let i = 0; channels.length < 20; i++) {
    if (slotOfChannel(`room ${i}`) === slot) channels.push(`room ${i}`);
  }
  const from = await cluster.masterOf(slot);
  const to = cluster.nodes.find(({ id }) => id !== from.id)!;
  let moving = true;
  const moved = (async () => {
    for (const target of [to, from, to]) await cluster.migrateSlot(slot, target);
    moving = false;
  })();
  for (let i = 0; moving; i++) {
    const channel = channels[i % channels.length]!;
    await node.adapter.subscribe(channel);
    if (i % 3 > 0) await node.adapter.unsubscribe(channel);
    else await node.adapter.unsubscribe(channel).then(() => node.adapter.subscribe(channel));
    if (i % 3 === 0) await node.adapter.unsubscribe(channel);
  }
  await moved;
  await node.is("up");
  for (const channel of channels.slice(0, 10)) await node.adapter.subscribe(channel);
  for (const channel of channels) publisher.adapter.publish(channel, `on ${channel}`);
  publisher.adapter.publish("room", "the end");
  await node.got("room", "the end");
  assertEquals(node.received.slice(-11).map(({ data }) => data), [
    ...channels.slice(0, 10).map((channel) => `on ${channel}`),
    "the end",
  ]);
}, OPTIONS);

test(
  "redis-cluster: a replica that takes over for a killed master brings everything back, in order and nothing twice",
  async () => {
    await using cluster = await startRedisCluster({ replicas: 1, nodeTimeoutMs: 500 });
    const master = await cluster.masterOf(slotOfChannel("news"));
    const [elsewhere] = await channelsOn(cluster, cluster.nodes.find(({ id }) => id !== master.id)!.port, 1);
    const channels = ["news", elsewhere!];
    await using publisher = await openNode(cluster.url);
    await using listener = await openNode(cluster.url, ...channels);
    using stream = new Stream(publisher, ...channels);
    await flows(stream, listener, ...channels);
    await master.kill();
    await Promise.all([publisher.is("down"), listener.is("down")]);
    await flows(stream, listener, elsewhere!);
    await Promise.all([publisher.is("up"), listener.is("up")]);
    await flows(stream, listener, ...channels);
    await master.start();
    await cluster.waitUntilStable();
    await flows(stream, listener, ...channels);
    for (const channel of channels) assertRising(listener.on(channel));
    assert(publisher.errors.some(({ stage }) => stage === "publish"), "Nothing was reported lost");
    const texts = publisher.errors.filter(({ stage }) => stage === "open").map(({ error }) => error.message);
    assertEquals(new Set(texts).size, texts.length, "The same was said again");
  },
  OPTIONS,
);

test(
  "redis-cluster: a replica that takes over from a master that lives is followed, in order and nothing twice",
  async () => {
    await using cluster = await startRedisCluster({ replicas: 1 });
    const slot = slotOfChannel("news");
    await using publisher = await openNode(cluster.url);
    await using listener = await openNode(cluster.url, "news");
    using stream = new Stream(publisher, "news");
    for (let round = 0; round < 3; round++) {
      await flows(stream, listener, "news");
      const master = await cluster.masterOf(slot);
      const replica = cluster.nodes[(cluster.nodes.indexOf(master) + 3) % 6]!;
      // Without asking the others: for a moment there are two masters.
      await ask(replica.port, "CLUSTER", "FAILOVER", "TAKEOVER");
      await waitFor(async () => (await cluster.masterOf(slot)).id === replica.id, {
        what: "the replica to be master",
        timeoutMs: 30_000,
      });
      await cluster.waitUntilStable();
      await flows(stream, listener, "news");
    }
    assertRising(listener.on("news"));
  },
  OPTIONS,
);

test("redis-cluster: a master that freezes is found out, and its replica is followed", async () => {
  await using cluster = await startRedisCluster({ replicas: 1, nodeTimeoutMs: 500 });
  const master = await cluster.masterOf(slotOfChannel("news"));
  await using publisher = await openNode(cluster.url);
  await using listener = await openNode(cluster.url, "news");
  using stream = new Stream(publisher, "news");
  await flows(stream, listener, "news");
  master.pause();
  // The connection is found silent, or the others say first that the slots have moved to the replica.
  await waitFor(() => listener.statuses.includes("down") || listener.gaps.length > 0, {
    what: "the loss to be noticed",
    timeoutMs: 30_000,
  });
  await listener.is("up");
  await publisher.is("up");
  await flows(stream, listener, "news");
  master.resume();
  await cluster.waitUntilStable();
  await flows(stream, listener, "news");
  assertRising(listener.on("news"));
}, OPTIONS);

test("redis-cluster, classic: a node moves on to another master when its own is killed", async () => {
  await using cluster = await startRedisCluster({ nodeTimeoutMs: 500 });
  await using publisher = await openNode({ nodes: cluster.url, mode: "classic" });
  await using listener = await openNode({ nodes: cluster.url, mode: "classic" }, "news");
  const ports = await Promise.all(cluster.nodes.map(({ port }) => connectionsOf(listener.nodeId, port)));
  const present = ports.findIndex((names) => names.includes("trunkline-subscribe"));
  assertEquals(ports.flat().length, 2);
  using stream = new Stream(publisher, "news");
  await flows(stream, listener, "news");
  await cluster.nodes[present]!.kill();
  await waitFor(() => listener.statuses.join() === "up,down,up", { what: "to be back", timeoutMs: 30_000 });
  await publisher.is("up");
  await flows(stream, listener, "news");
  assertRising(listener.on("news"));
}, OPTIONS);

test("redis-cluster, classic: order holds over the bus links between different masters", async () => {
  await using cluster = await startRedisCluster();
  const options = { nodes: cluster.url, mode: "classic" } as const;
  const masterOf = async ({ nodeId }: TestNode) =>
    (await Promise.all(cluster.nodes.map(({ port }) => connectionsOf(nodeId, port)))).findIndex((
      { length },
    ) => length > 0);
  // Each takes any master: until two are on different ones.
  await using stack = new AsyncDisposableStack();
  const listener = stack.use(await openNode(options, "news", "sport"));
  const home = await masterOf(listener);
  let publisher: TestNode;
  do publisher = stack.use(await openNode(options)); while (await masterOf(publisher) === home);
  const texts = Array.from({ length: 3_000 }, (_, i) => `${i}`);
  for (const [i, text] of texts.entries()) {
    publisher.adapter.publish(i % 3 === 0 ? "sport" : "news", i % 7 === 0 ? text.padEnd(5_000) : text);
    if (i % 100 === 99) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await waitFor(() => listener.received.length === texts.length, { what: "all messages", timeoutMs: 30_000 });
  assertEquals(listener.received.map(({ data }) => String(data).trim()), texts);
}, OPTIONS);

test(
  "redis-cluster: slots are those of Redis, and equal shares of slots get equal shares of partitions",
  async () => {
    await using cluster = await startRedisCluster();
    for (const { tag, slot } of PLACES) {
      assertEquals([slotOf(tag), await cluster.slotOf(`any:{${tag}}:thing`)], [slot, slot]);
    }
    for (const masters of [1, 2, 3, 5, 8]) {
      const shares = Array.from({ length: masters }, () => 0);
      for (const { slot } of PLACES) shares[Math.floor(slot * masters / 16_384)]!++;
      assert(Math.max(...shares) - Math.min(...shares) <= 2, `${masters} masters have ${shares.join()}`);
    }
    const counts = Array.from({ length: 64 }, () => 0);
    for (let i = 0; i < 6_400; i++) counts[partitionOf(`room/${i}`, 64)]!++;
    assert(Math.min(...counts) > 40 && Math.max(...counts) < 200, `Channels are spread ${counts.join()}`);
  },
  OPTIONS,
);

test(
  "redis-cluster: an ACL user needs few commands and the channels of the prefix; the error names missing rights",
  async () => {
    await using cluster = await startRedisCluster();
    const rights = [
      "-@all",
      ..."ping hello spublish ssubscribe sunsubscribe cluster|slots".split(" ").map((c) => `+${c}`),
    ];
    for (const { port } of cluster.nodes) {
      await ask(port, "ACL", "SETUSER", "shop", "on", ">pass word", "resetchannels", "&shop:*", ...rights);
    }
    const login = { nodes: cluster.url, username: "shop", password: "pass word" };
    await using a = await openNode({ ...login, prefix: "shop" });
    await using b = await openNode({ ...login, prefix: "shop" }, "news");
    a.adapter.publish("news", "hello");
    await b.got("news", "hello");
    assertEquals([a.errors, b.errors], [[], []]);
    await using stranger = createNode({ ...login, prefix: "other" });
    const error = await assertRejects(() => stranger.opening, Error, "NOPERM");
    assert(!error.message.includes("pass word"), error.message);
  },
  OPTIONS,
);
