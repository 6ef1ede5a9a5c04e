/** Hubs over the adapter for Redis, which brings their histories along. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { createEmitter, HubError, type Recovery, systemClock, type TopicMeta } from "@trunkline/hub";
import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
import { startProxy } from "../../../tools/brokers/proxy.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { test, waitFor } from "../../harness.ts";
import { chat, createNode } from "../../hub/chat.ts";
import { linksTo } from "../../hub/rig.ts";
import { rewindsOnTwoHubs } from "../rewinding.ts";
import { openConsole } from "./scene.ts";

const TIMEOUT = { timeoutMs: 60_000 };

const nodeOn = (url: string, history?: "per-node") =>
  createNode(undefined, { adapter: createRedisAdapter({ url, prefix: "p" }), history, clock: systemClock });

test("redis history: a client that leaves a node recovers on another, over the adapter alone", async () => {
  await using broker = await startRedis();
  await using a = await nodeOn(broker.url);
  await using b = await nodeOn(broker.url);
  const { url, transport, drop, back } = linksTo([a, b]);
  const client = await a.member(undefined, { url, transport });
  const heard: number[] = [], metas: TopicMeta[] = [], recoveries: Recovery[] = [];
  const sub = client.subscribe("log/x", ({ n }, meta) => void (heard.push(n), metas.push(meta)), {
    onRecovery: (recovery) => recoveries.push(recovery),
  });
  await sub.ready;
  const before = [await a.hub.publish("log/x", { n: 1 }), await b.hub.publish("log/x", { n: 2 })];
  await waitFor(() => heard.length === 2, { what: "what was published on both nodes" });
  await drop(client);
  const missed = [await a.hub.publish("log/x", { n: 3 }), await b.hub.publish("log/x", { n: 4 })];
  await back(client, b);
  await waitFor(() => recoveries.length === 1, { what: "the recovery" });
  assertEquals(recoveries.map(({ recovered }) => recovered), [true]);
  const after = await a.hub.publish("log/x", { n: 5 }, { id: "five" });
  assertEquals(await b.hub.publish("log/x", { n: 5 }, { id: "five" }), after);
  await waitFor(() => heard.length === 5, { what: "the last" });
  assertEquals(heard, [1, 2, 3, 4, 5]);
  assertEquals(metas.map(({ offset }) => offset), [1, 2, 3, 4, 5]);
  assertEquals(new Set([...before, ...missed, after].map(({ epoch }) => epoch)).size, 1);
  assertEquals((await b.hub.history("log/x")).records.map(({ payload }) => payload.n), [1, 2, 3, 4, 5]);
  assertEquals([a.errors, b.errors], [[], []]);
}, TIMEOUT);

test("redis history: an emitter publishes on topics with history, by the adapter alone", async () => {
  await using broker = await startRedis();
  await using node = await nodeOn(broker.url);
  const heard: number[] = [];
  await (await node.member()).subscribe("log/x", ({ n }) => heard.push(n)).ready;
  await using emitter = createEmitter(chat, {
    adapter: createRedisAdapter({ url: broker.url, prefix: "p" }),
  });
  const published = await emitter.publish("log/x", { n: 1 }, { id: "one" });
  assertEquals(await emitter.publish("log/x", { n: 1 }, { id: "one" }), published);
  await waitFor(() => heard.length === 1, { what: "what the emitter has published" });
  assertEquals(await node.hub.position("log/x"), published);
}, TIMEOUT);

test('history: "per-node" leaves the store of an adapter alone, on hubs and emitters', async () => {
  await using broker = await startRedis();
  await using console = await openConsole(broker.url);
  await using a = await nodeOn(broker.url, "per-node");
  await using b = await nodeOn(broker.url, "per-node");
  const heard: number[] = [];
  await (await b.member()).subscribe("log/x", ({ n }) => heard.push(n)).ready;
  const { epoch } = await a.hub.publish("log/x", { n: 1 });
  await waitFor(() => heard.length === 1, { what: "the message" });
  assert((await b.hub.position("log/x")).epoch !== epoch, "each node counts for itself");
  assertEquals(await console.redis.keys("*"), []);
  const adapter = createRedisAdapter({ url: broker.url, prefix: "p" });
  await using emitter = createEmitter(chat, { adapter, history: "per-node" });
  const error = await assertRejects(() => emitter.publish("log/x", { n: 2 }), HubError, "its own history");
  assertEquals(error.code, "UNAVAILABLE");
}, TIMEOUT);

test(
  "redis history: a node with its own histories reports messages that others have stored in Redis",
  async () => {
    await using broker = await startRedis();
    await using shared = await nodeOn(broker.url);
    await using alone = await nodeOn(broker.url, "per-node");
    await (await alone.member()).subscribe("log/x", () => {}).ready;
    await shared.hub.publish("log/x", { n: 1 });
    await waitFor(() => alone.errors.length > 0, { what: "the report" });
    assert(
      (alone.errors[0]!.error as Error).message.includes("give every node of the cluster the same history"),
    );
  },
  TIMEOUT,
);

for (
  const [what, args, kept] of [
    ["that keeps all", ["--appendonly", "yes", "--appendfsync", "always"], 3],
    ["that keeps nothing", [], 0],
  ] as const
) {
  test(
    `redis history: after a restart of a Redis ${what}, a node gets the messages that others published before it was back, and none twice`,
    async () => {
      await using broker = await startRedis({ args });
      await using proxy = await startProxy(broker.port);
      await using a = await nodeOn(`redis://127.0.0.1:${proxy.port}`);
      await using b = await nodeOn(broker.url);
      const heard: [n: number, offset: number][] = [], recoveries: boolean[] = [];
      const sub = (await a.member()).subscribe("log/x", ({ n }, { offset }) => void heard.push([n, offset]), {
        onRecovery: ({ recovered }) => recoveries.push(recovered),
      });
      await sub.ready;
      for (const n of [1, 2, 3]) await b.hub.publish("log/x", { n });
      await waitFor(() => heard.length === 3, { what: "what was published before" });
      proxy.blackhole();
      await broker.kill();
      await broker.start();
      const published = () => b.hub.publish("log/x", { n: 4 }, { id: "four" }).then(() => true, () => false);
      await waitFor(published, { what: "Redis to be back for one of them", timeoutMs: 10_000 });
      for (const n of [5, 6]) await b.hub.publish("log/x", { n });
      assertEquals(heard.length, 3);
      proxy.heal();
      await waitFor(() => heard.length >= 6, { what: "the others to be heard", timeoutMs: 20_000 });
      await b.hub.publish("log/x", { n: 7 });
      await waitFor(() => heard.length >= 7, { what: "what is live", timeoutMs: 10_000 });
      const after = [4, 5, 6, 7].map((n, i) => [n, kept + i + 1] as [number, number]);
      assertEquals(heard, [[1, 1], [2, 2], [3, 3], ...after]);
      assertEquals(recoveries, [false]);
    },
    TIMEOUT,
  );
}

test("redis history: a subscription begins in the past, by number and by time, on another hub", async () => {
  await using broker = await startRedis();
  await rewindsOnTwoHubs(() => ({ adapter: createRedisAdapter({ url: broker.url, prefix: "p" }) }));
}, TIMEOUT);
