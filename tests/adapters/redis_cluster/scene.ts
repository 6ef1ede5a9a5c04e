/**
 * What the tests of the adapter for Redis Cluster are played with: clusters of their own, and nodes that write down what
 * they hear.
 *
 * @module
 */

import { type Cluster, Redis } from "ioredis";
import type { Adapter, AdapterData, AdapterStage } from "../../../adapters/adapter.ts";
import {
  createRedisClusterAdapter,
  type RedisClusterAdapterOptions,
} from "../../../adapters/redis_cluster/mod.ts";
import { waitFor } from "../../harness.ts";

/** Soon enough for a test, and long enough for a machine that is busy. */
export const TIMES = { probeIntervalMs: 1_000, probeTimeoutMs: 4_000, connectTimeoutMs: 4_000 };

/** Options whose prefix is `trunkline` unless they have one. */
export type NodeOptions = Partial<RedisClusterAdapterOptions>;

/** A node of a test. */
export interface TestNode extends AsyncDisposable {
  readonly nodeId: string;
  readonly adapter: Adapter;
  readonly received: { readonly channel: string; readonly data: AdapterData; readonly from: string }[];
  readonly errors: { readonly error: Error; readonly stage: AdapterStage; readonly channel?: string }[];
  readonly statuses: ("up" | "down")[];
  /** The channels of gaps, without those of breaks. */
  readonly gaps: (readonly string[] | undefined)[];
  /** Settles with the adapter's `open`. */
  readonly opening: Promise<void>;
  /** What came on a channel, in order. */
  on(channel: string): AdapterData[];
  /** Waits until this is its status. */
  is(status: "up" | "down"): Promise<void>;
  /** Waits until this has come on a channel. */
  got(channel: string, data: AdapterData): Promise<void>;
}

/** Makes a node, and begins to open it. */
export function createNode(options: string | NodeOptions): TestNode {
  const nodeId = crypto.randomUUID();
  const adapter = createRedisClusterAdapter({
    prefix: "trunkline",
    ...TIMES,
    ...typeof options === "string" ? { nodes: options } : options,
  });
  const received: TestNode["received"] = [];
  const errors: TestNode["errors"] = [];
  const statuses: TestNode["statuses"] = [];
  const gaps: TestNode["gaps"] = [];
  const opening = adapter.open({
    nodeId,
    deliver: (channel, data, from) => void received.push({ channel, data, from }),
    onError: (error, info) => void errors.push({ error, ...info }),
    onStatus: (status) => void statuses.push(status),
    onGap: (channels) => void gaps.push(channels),
  });
  opening.catch(() => {});
  const on = (channel: string) => received.filter((one) => one.channel === channel).map(({ data }) => data);
  const troubles = () => errors.map(({ error }) => error.message).slice(-3).join("; ");
  return {
    nodeId,
    adapter,
    received,
    errors,
    statuses,
    gaps,
    opening,
    on,
    async is(status) {
      await waitFor(() => statuses.at(-1) === status || Promise.reject(new Error(troubles())), {
        what: `status ${status}`,
        timeoutMs: 30_000,
      });
    },
    async got(channel, data) {
      await waitFor(() => on(channel).includes(data) || Promise.reject(new Error(troubles())), {
        what: `"${data}" on "${channel}"`,
        timeoutMs: 30_000,
      });
    },
    [Symbol.asyncDispose]: () => adapter.close(),
  };
}

/** Makes a node that is open and listens to these channels. */
export async function openNode(
  options: string | NodeOptions,
  ...channels: string[]
): Promise<TestNode> {
  const node = createNode(options);
  try {
    await node.opening;
    await Promise.all(channels.map((channel) => node.adapter.subscribe(channel)));
  } catch (error) {
    await node.adapter.close();
    throw error;
  }
  return node;
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
