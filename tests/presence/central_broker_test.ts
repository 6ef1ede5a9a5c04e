import { assertEquals } from "@std/assert";
import { systemClock } from "@trunkline/hub";
import { createRedisClusterAdapter } from "@trunkline/hub/adapters/redis-cluster";
import { startRedisCluster } from "../../tools/brokers/redis_cluster.ts";
import { test, waitFor } from "../harness.ts";
import { OWN_BROKERS, type OwnBroker } from "../own_brokers.ts";
import { converged, hear, type PlacesNode, startNodes } from "./scene.ts";

const CLUSTER = { heartbeatMs: 500, nodeTimeoutMs: 3_000 };
const OPTIONS = { cluster: CLUSTER, presence: "central", clock: systemClock } as const;
const TIME = { timeoutMs: 120_000 };

/** The store's answer about a place without watchers. */
const counted = (nodes: readonly PlacesNode[], count: number) =>
  waitFor(async () => {
    for (const { hub } of nodes) assertEquals(await hub.presence("room/2").count(), count);
    return true;
  }, { what: `${count} to be counted`, timeoutMs: 20_000 });

function testOnBrokers(title: string, fn: (broker: OwnBroker) => Promise<void>): void {
  for (const { name, missing, launch } of OWN_BROKERS.filter(({ name }) => name.startsWith("redis"))) {
    if (missing) {
      test.skip(`${title} [${name}]`, missing);
      continue;
    }
    test(`${title} [${name}]`, async () => {
      await using broker = await launch();
      await fn(broker);
    }, TIME);
  }
}

/** Nodes of which each has a user in both rooms, and what is heard of the first one. */
async function scene(broker: OwnBroker, count: number) {
  const cluster = await startNodes(() => broker.createAdapter(), count, OPTIONS);
  const { nodes } = cluster;
  for (const [at, node] of nodes.entries()) await node.member(`user ${at}`, "room/1", "room/2");
  await converged(nodes, "room/1", nodes.map((_, at) => `user ${at}`));
  const hearings = await Promise.all(nodes.map(({ hub }) => hear(hub.presence("room/1"))));
  return { cluster, nodes, events: () => hearings.map(({ events }) => events) };
}

testOnBrokers(
  "central presence: when Redis is killed and comes back empty, no member leaves",
  async (broker) => {
    const { cluster, nodes, events } = await scene(broker, 3);
    await using _ = cluster;
    await broker.kill();
    await waitFor(() => nodes.every(({ errors }) => errors.length > 0), { what: "reports" });
    await broker.start();
    await counted(nodes, 3);
    await nodes[0]!.member("late", "room/1");
    await waitFor(() => events().every((each) => each.length > 0), {
      what: "a new member",
      timeoutMs: 20_000,
    });
    await converged(nodes, "room/1", ["late", "user 0", "user 1", "user 2"]);
    assertEquals(events(), nodes.map(() => ["join late"]));
  },
);

testOnBrokers(
  "central presence: while Redis is frozen each node reports its own members; when it goes on all nodes know all, and no member has left",
  async (broker) => {
    const { cluster, nodes, events } = await scene(broker, 2);
    await using _ = cluster;
    const member = await nodes[0]!.member("new");
    broker.pause();
    const entering = member.request("enter", { room: "room/1" });
    await waitFor(() => events()[0]!.length === 1, { what: "the join here" });
    const start = performance.now();
    await waitFor(() => performance.now() - start > CLUSTER.nodeTimeoutMs + 1_000); // all leases have run out
    assertEquals(events(), [["join new"], []]);
    broker.resume();
    await waitFor(() => events()[1]!.length > 0, { what: "the join there", timeoutMs: 20_000 });
    await entering;
    await counted(nodes, 2);
    const settled = performance.now();
    await waitFor(() => performance.now() - settled > CLUSTER.nodeTimeoutMs); // and no member is purged late
    assertEquals(events(), [["join new"], ["join new"]]);
  },
);

const [, { missing }] = OWN_BROKERS.filter(({ name }) => name.startsWith("redis")) as [
  unknown,
  { missing?: string },
];
const FAILOVER =
  "central presence: when a master dies a replica goes on, and all members are still there [redis-cluster]";
if (missing) test.skip(FAILOVER, missing);
else {
  test(FAILOVER, async () => {
    await using redis = await startRedisCluster({ replicas: 1, nodeTimeoutMs: 1_000 });
    const options = { probeIntervalMs: 500, probeTimeoutMs: 3_000, connectTimeoutMs: 3_000 };
    const create = () => createRedisClusterAdapter({ nodes: redis.url, prefix: "failover", ...options });
    await using cluster = await startNodes(create, 2, OPTIONS);
    const { nodes } = cluster;
    const rooms = Array.from({ length: 30 }, (_, i) => `room/${i}`);
    for (const [at, node] of nodes.entries()) await node.member(`user ${at}`, ...rooms);
    await redis.nodes[0]!.kill();
    await redis.waitUntilStable();
    await waitFor(async () => {
      for (const { hub } of nodes) {
        for (const room of rooms) assertEquals(await hub.presence(room as "room/1").count(), 2, room);
      }
      return true;
    }, { what: "all to be counted in all rooms", timeoutMs: 60_000 });
    await nodes[0]!.member("late", ...rooms);
    for (const room of rooms) {
      await waitFor(async () => await nodes[1]!.hub.presence(room as "room/1").count() === 3, { what: room });
    }
  }, TIME);
}
