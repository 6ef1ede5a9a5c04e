/**
 * What the tests of the adapter for Redis are played with: servers of their own, and nodes that write down what they hear.
 *
 * @module
 */

import { Redis } from "ioredis";
import { createRedisAdapter, type RedisAdapterOptions } from "../../../adapters/redis/mod.ts";
import type { AdapterData, AdapterStage } from "../../../adapters/adapter.ts";
import type { Adapter } from "../../../adapters/adapter.ts";
import { waitFor } from "../../harness.ts";

/** Options whose prefix is `trunkline` unless they have one. */
export type NodeOptions = Partial<RedisAdapterOptions>;

/** A node of a test. */
export interface TestNode extends AsyncDisposable {
  readonly nodeId: string;
  readonly adapter: Adapter;
  readonly received: { readonly channel: string; readonly data: AdapterData; readonly from: string }[];
  readonly errors: { readonly error: Error; readonly stage: AdapterStage; readonly channel?: string }[];
  readonly statuses: ("up" | "down")[];
  /** The channels of gaps, without those of breaks. */
  readonly gaps: (readonly string[] | undefined)[];
  /** What came on a channel, in order. */
  on(channel: string): AdapterData[];
  /** Waits until this is its status. */
  is(status: "up" | "down", options?: { timeoutMs?: number }): Promise<void>;
}

/** Makes a node, and begins to open it. */
export function createNode(options: string | NodeOptions): TestNode & { opening: Promise<void> } {
  const nodeId = crypto.randomUUID();
  const adapter = createRedisAdapter({
    prefix: "trunkline",
    ...typeof options === "string" ? { url: options } : options,
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
  return {
    nodeId,
    adapter,
    received,
    errors,
    statuses,
    gaps,
    opening,
    on: (channel) => received.filter((message) => message.channel === channel).map(({ data }) => data),
    is: async (status, { timeoutMs = 20_000 } = {}) => {
      const what = `status ${status} after ${statuses.join()}`;
      await waitFor(() => statuses.at(-1) === status, { what, timeoutMs });
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

/** A connection of the test itself, to look and to intervene. */
export interface Console extends AsyncDisposable {
  readonly redis: Redis;
  /** The connections of adapters: what `CLIENT LIST` tells of each. */
  connections(): Promise<Record<string, string>[]>;
}

export async function openConsole(url: string): Promise<Console> {
  const redis = new Redis(url, { lazyConnect: true, retryStrategy: null, protocol: 2 });
  redis.on("error", () => {});
  await redis.connect();
  return {
    redis,
    async connections() {
      const list = String(await redis.client("LIST")).trim().split("\n").map((line) =>
        Object.fromEntries(line.split(" ").map((field) => field.split("=", 2)))
      );
      return list.filter(({ name }) => name === "trunkline");
    },
    async [Symbol.asyncDispose]() {
      if (redis.status === "end") return;
      const ended = new Promise((resolve) => redis.once("end", resolve));
      redis.disconnect();
      await ended;
    },
  };
}
