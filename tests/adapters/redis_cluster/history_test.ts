/** Histories in a Redis Cluster that changes, and hubs over its adapter. */
import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { type Recovery, systemClock } from "@trunkline/hub";
import {
  createRedisClusterAdapter,
  type RedisClusterAdapterOptions,
} from "@trunkline/hub/adapters/redis-cluster";
import type { HistoryStore } from "../../../adapters/history_store.ts";
import { HubError, type Position } from "../../../contract/mod.ts";
import { startRedisCluster } from "../../../tools/brokers/redis_cluster.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode } from "../../hub/chat.ts";
import { network } from "../../hub/wires.ts";
import { openHistory } from "../redis/history_scene.ts";
import { rewindsOnTwoHubs } from "../rewinding.ts";
import { TIMES } from "./scene.ts";

const TIMEOUT = { timeoutMs: 120_000 };
const PLENTY = { size: 1_000, ttlMs: Infinity };

const open = (url: string, options: Partial<RedisClusterAdapterOptions> = {}) =>
  openHistory(createRedisClusterAdapter({ nodes: url, prefix: "p", partitions: 1, ...TIMES, ...options }));

/** The tag of the one partition. */
const TAG = "1.0.0";

/** Appends until it is kept, once: a link that ends while a slot moves leaves open whether it was. */
async function appended(store: HistoryStore, channel: string, data: string): Promise<Position> {
  for (;;) {
    try {
      return await store.append(channel, data, { ...PLENTY, idempotencyKey: data });
    } catch (error) {
      if (!(error instanceof HubError && error.code === "UNCERTAIN")) throw error;
    }
  }
}

test(
  "redis cluster history: a stored message reaches other nodes, and a slot that moves loses nothing",
  async () => {
    await using cluster = await startRedisCluster();
    await using a = await open(cluster.url);
    await using b = await open(cluster.url);
    await b.adapter.subscribe("news");
    const slot = await cluster.slotOf(`{${TAG}}`);
    const home = await cluster.masterOf(slot);
    const away = cluster.nodes.find((node) => node !== home)!;
    const positions: Position[] = [];
    const append = async (count: number) => {
      const from = positions.length + 1;
      const data = Array.from({ length: count }, (_, i) => `${from + i}`);
      for (const one of data) positions.push(await appended(a.store, "news", one));
    };
    await append(5);
    await waitFor(() => b.heard.length === 5, { what: "what was kept" });
    assertEquals(
      b.heard.map(({ data, position, from }) => [data, position, from]),
      positions.map((position, i) => [
        `${i + 1}`,
        position,
        a.nodeId,
      ]),
    );
    for (const to of [away, home]) {
      const before = positions.at(-1)!;
      let isMoving = true;
      const moving = cluster.migrateSlot(slot, to).finally(() => isMoving = false);
      while (isMoving) await append(3); // as much as there is time for
      await moving;
      await append(1);
      assertEquals((await a.store.read("news", { since: before })).complete, false, "conservative");
    }
    const { records } = await b.store.read("news");
    assertEquals(
      records.map(({ offset, data }) => `${offset} ${data}`),
      records.map((_, i) => `${i + 1} ${i + 1}`),
    );
    assertEquals(positions.map(([, offset]) => offset), records.map(({ offset }) => offset));
    assertEquals(new Set(positions.map(([epoch]) => epoch)).size, 3, "the first one is not had again");
    await waitFor(() => b.statuses.at(-1) === "up");
    assertEquals(a.errors.filter((error) => !/is lost|slot/.test(error.message)), []);
  },
  TIMEOUT,
);

test("redis cluster history: a replica that takes over begins a new epoch", async () => {
  await using cluster = await startRedisCluster({ replicas: 1, nodeTimeoutMs: 1_000 });
  await using a = await open(cluster.url);
  const [epoch] = await a.store.append("news", "1", PLENTY);
  const slot = await cluster.slotOf(`{${TAG}}`);
  await (await cluster.masterOf(slot)).kill();
  await cluster.waitUntilStable();
  await waitFor(() => a.statuses.length === 3, { what: "the adapter to be back", timeoutMs: 40_000 });
  const { position, complete } = await a.store.read("news", { since: [epoch, 0] });
  assertNotEquals(position[0], epoch);
  assert(!complete);
  assertEquals(await a.store.append("news", "next", PLENTY), [position[0], position[1] + 1]);
}, TIMEOUT);

test(
  "redis cluster history: a client that leaves a node recovers on another, over the adapter alone",
  async () => {
    await using cluster = await startRedisCluster();
    const nodeOn = () =>
      createNode(undefined, {
        adapter: createRedisClusterAdapter({ nodes: cluster.url, prefix: "p", ...TIMES }),
        clock: systemClock,
      });
    await using a = await nodeOn();
    await using b = await nodeOn();
    const lines = { "ws://a/": a.loopback.client(), "ws://b/": b.loopback.client() };
    const client = await a.member(undefined, { url: Object.keys(lines), transport: network(lines) });
    const heard: number[] = [], recoveries: Recovery[] = [];
    await client.subscribe("log/x", ({ n }) => void heard.push(n), {
      onRecovery: (recovery) => recoveries.push(recovery),
    }).ready;
    await a.hub.publish("log/x", { n: 1 });
    await b.hub.publish("log/x", { n: 2 });
    await waitFor(() => heard.length === 2, { what: "what was published on both nodes" });
    for (const line of Object.values(lines)) line.refuse(true);
    for (const line of Object.values(lines)) line.sever();
    await waitFor(() => client.status === "reconnecting", { what: "the client to notice" });
    await a.hub.publish("log/x", { n: 3 });
    lines["ws://b/"].refuse(false);
    await waitFor(() => recoveries.length === 1, { what: "the recovery" });
    await a.hub.publish("log/x", { n: 4 });
    await waitFor(() => heard.length === 4, { what: "the last" });
    assertEquals([heard, recoveries[0]!.recovered], [[1, 2, 3, 4], true]);
    assertEquals([a.errors, b.errors], [[], []]);
  },
  TIMEOUT,
);

test(
  "redis cluster history: a subscription begins in the past, by number and by time, on another hub",
  async () => {
    await using cluster = await startRedisCluster();
    await rewindsOnTwoHubs(() => ({
      adapter: createRedisClusterAdapter({ nodes: cluster.url, prefix: "p", ...TIMES }),
    }));
  },
  TIMEOUT,
);
