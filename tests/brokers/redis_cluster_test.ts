import { assertEquals, assertNotEquals } from "@std/assert";
import { startRedisCluster } from "../../tools/brokers/redis_cluster.ts";
import { redisCommand } from "../../tools/brokers/sockets.ts";
import { test } from "../harness.ts";

test("a Redis Cluster serves all slots from three masters, and a slot can move", async () => {
  await using cluster = await startRedisCluster();
  const owners = await Promise.all([0, 8_000, 16_383].map((slot) => cluster.masterOf(slot)));
  assertEquals(new Set(owners).size, 3);
  const slot = await cluster.slotOf("key");
  const from = await cluster.masterOf(slot);
  const to = owners.find((owner) => owner !== from)!;
  await redisCommand(from.port, "SET", "key", "value");
  await cluster.migrateSlot(slot, to);
  assertEquals(await cluster.masterOf(slot), to);
  assertEquals(await redisCommand(to.port, "GET", "key"), "value");
});

test("a replica takes over from a master that was killed, which comes back as its replica", async () => {
  await using cluster = await startRedisCluster({ replicas: 1, nodeTimeoutMs: 1_000 });
  assertEquals(cluster.nodes.length, 6);
  const master = await cluster.masterOf(0);
  await master.kill();
  await cluster.waitUntilStable();
  const next = await cluster.masterOf(0);
  assertNotEquals(next, master);
  await master.start();
  await cluster.waitUntilStable();
  assertEquals(await cluster.masterOf(0), next);
  assertEquals(String(await redisCommand(master.port, "INFO", "replication")).includes("role:slave"), true);
}, { timeoutMs: 120_000 });
