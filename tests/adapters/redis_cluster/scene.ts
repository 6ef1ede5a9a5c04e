/**
 * What the tests of the adapter for Redis Cluster are played with: clusters of their own, and nodes that write down what
 * they hear.
 *
 * @module
 */

import { type Cluster, Redis } from "ioredis";
import {
  createRedisClusterAdapter,
  type RedisClusterAdapterOptions,
} from "../../../adapters/redis_cluster/mod.ts";
import { opened, type TestNode, testNode } from "../test_node.ts";

/** Soon enough for a test, and long enough for a machine that is busy. */
export const TIMES = { probeIntervalMs: 1_000, probeTimeoutMs: 4_000, connectTimeoutMs: 4_000 };

/** Options whose prefix is `trunkline` unless they have one. */
export type NodeOptions = Partial<RedisClusterAdapterOptions>;

/** Makes a node, and begins to open it. */
export function createNode(options: string | NodeOptions): TestNode {
  return testNode(createRedisClusterAdapter({
    prefix: "trunkline",
    ...TIMES,
    ...typeof options === "string" ? { nodes: options } : options,
  }));
}

/** Makes a node that is open and listens to these channels. */
export function openNode(options: string | NodeOptions, ...channels: string[]): Promise<TestNode> {
  return opened(createNode(options), channels);
}

/** Asks a node of the cluster. */
export async function ask(port: number, ...command: string[]): Promise<unknown> {
  const redis = new Redis(port, "127.0.0.1", { lazyConnect: true, retryStrategy: null, protocol: 2 });
  redis.on("error", () => {});
  await redis.connect();
  try {
    return await redis.call(command[0]!, ...command.slice(1));
  } finally {
    const ended = new Promise((resolve) => redis.once("end", resolve));
    redis.disconnect();
    await ended;
  }
}

/** The connections of an adapter to a node of the cluster, by what they are for: `["trunkline-publish", …]`. */
export async function connectionsOf(nodeId: string, port: number): Promise<string[]> {
  const list = String(await ask(port, "CLIENT", "LIST"));
  return [...list.matchAll(/ name=(\S+)/g)].map(([, name]) => name!.split(":") as [string, string])
    .filter(([, owner]) => owner === nodeId).map(([what]) => what).sort();
}

/** Ends a client, and its connections to the nodes: the client says that it has ended before they have. */
export async function endCluster(client: Cluster): Promise<void> {
  const ends = [client, ...client.nodes()].map((one) => new Promise((resolve) => one.once("end", resolve)));
  client.disconnect();
  await Promise.all(ends);
}
