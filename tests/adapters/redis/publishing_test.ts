import { assert, assertEquals } from "@std/assert";
import { startProxy } from "../../../tools/brokers/proxy.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { test, waitFor } from "../../harness.ts";
import { openConsole, openNode } from "./scene.ts";
import type { TestNode } from "../test_node.ts";

const TIMEOUT = { timeoutMs: 120_000 };

/** How many messages a node's reports say were not published. */
function lost({ errors }: TestNode): number {
  return errors.filter(({ stage }) => stage === "publish").reduce((sum, { error }) => {
    const [, count] = /^Cannot publish (a|\d+) message/.exec(error.message) ?? [];
    return sum + (count === undefined ? 0 : count === "a" ? 1 : Number(count));
  }, 0);
}

test("redis: messages of one turn leave in one write, in order across channels", async () => {
  await using broker = await startRedis();
  await using a = await openNode(broker.url);
  await using b = await openNode(broker.url, "x", "y", "z");
  await using console = await openConsole(broker.url);
  const reads = async () =>
    Number(/total_reads_processed:(\d+)/.exec(String(await console.redis.info("stats")))![1]);
  const before = await reads();
  const sent = Array.from({ length: 90 }, (_, i) => ["xyz"[i % 3]!, `${i}`] as const);
  for (const [i, [channel, text]] of sent.entries()) {
    // Bytes do not take another way than text.
    a.adapter.publish(channel, i % 2 === 0 ? text : new TextEncoder().encode(text));
  }
  await waitFor(() => b.received.length === sent.length);
  // From one connection Redis gives another one what it read in the order in which it read it.
  const text = (data: string | Uint8Array) =>
    typeof data === "string" ? data : new TextDecoder().decode(data);
  assertEquals(b.received.map(({ channel, data }) => [channel, text(data)] as const), sent);
  // Its own question is one read, and a probe may be another.
  assert(await reads() - before <= 3);
}, TIMEOUT);

test("redis: while the server is away each publish is dropped, and counted in few reports", async () => {
  await using broker = await startRedis();
  await using a = await openNode(broker.url);
  await using b = await openNode(broker.url, "news");
  await broker.kill();
  await Promise.all([a.is("down"), b.is("down")]);
  const before = lost(a);
  let published = 0;
  const publish = () => a.adapter.publish("news", `${published++}`);
  // Either connection may be the first to notice: until the one to publish with has, a publish fails in another way.
  const first = await waitFor(() => {
    publish();
    return a.errors.find(({ error }) => error.message.endsWith("the connection is down"));
  }, { what: "the connection to be down" });
  for (let i = 0; i < 1_000; i++) {
    publish();
    await Promise.resolve();
  }
  await waitFor(() => lost(a) - before === published, { what: "all to be counted", timeoutMs: 20_000 });
  assert(a.errors.length < 20, `${a.errors.length} reports`);
  assertEquals([first.stage, first.channel], ["publish", "news"]);
  assertEquals(
    first.error.message,
    `Cannot publish a message to Redis at 127.0.0.1:${broker.port}: the connection is down`,
  );
  await broker.start();
  await Promise.all([a.is("up"), b.is("up")]);
  a.adapter.publish("news", "after");
  await waitFor(() => b.received.length > 0);
  assertEquals(b.on("news"), ["after"]);
}, TIMEOUT);

test("redis: while the server does not answer, no more than maxPendingBytes wait for it", async () => {
  await using broker = await startRedis();
  await using proxy = await startProxy(broker.port);
  const url = `redis://127.0.0.1:${proxy.port}`;
  await using a = await openNode({ url, maxPendingBytes: 100_000 });
  await using b = await openNode(broker.url, "news");
  proxy.blackhole();
  for (let i = 0; i < 50; i++) a.adapter.publish("news", `${i} `.padEnd(10_000, "x"));
  // Nine with their heads, at most ten.
  await waitFor(() => lost(a) >= 40 && lost(a) <= 41, { what: "40 to be dropped" });
  assert(a.errors.some(({ error }) => error.message.includes("more than maxPendingBytes")));
  proxy.heal();
  await waitFor(() => b.received.length === 50 - lost(a));
  assertEquals(b.on("news").map((text) => parseInt(text as string)), [...b.received.keys()]);
  // And the room is free again.
  for (let i = 0; i < 9; i++) a.adapter.publish("news", `${i} `.padEnd(10_000, "y"));
  a.adapter.publish("news", "end");
  await waitFor(() => b.on("news").includes("end"));
}, TIMEOUT);

test("redis: a message larger than maxPendingBytes leaves when nothing else is under way", async () => {
  await using broker = await startRedis();
  await using a = await openNode({ url: broker.url, maxPendingBytes: 10 });
  await using b = await openNode(broker.url, "news");
  a.adapter.publish("news", "x".repeat(1_000));
  await waitFor(() => b.received.length === 1);
  assertEquals(a.errors, []);
}, TIMEOUT);

test("redis: listeners of a channel are counted over all nodes", async () => {
  await using broker = await startRedis();
  await using a = await openNode(broker.url, "news");
  await using b = await openNode(broker.url, "news");
  await using other = await openNode({ url: broker.url, prefix: "other" }, "news");
  assertEquals(await a.adapter.countListeners!("news"), 2);
  assertEquals(await a.adapter.countListeners!("nothing"), 0);
  assertEquals(await other.adapter.countListeners!("news"), 1);
  await b.adapter.close();
  await waitFor(async () => await a.adapter.countListeners!("news") === 1);
  await broker.kill();
  await a.is("down");
  assertEquals(await a.adapter.countListeners!("news"), undefined);
}, TIMEOUT);
