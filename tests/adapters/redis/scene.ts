/**
 * What the tests of the adapter for Redis are played with: servers of their own, and nodes that write down what they hear.
 *
 * @module
 */

import { Redis } from "ioredis";
import { createRedisAdapter, type RedisAdapterOptions } from "../../../adapters/redis/mod.ts";
import { opened, type TestNode, testNode } from "../test_node.ts";

/** Options whose prefix is `trunkline` unless they have one. */
export type NodeOptions = Partial<RedisAdapterOptions>;

/** Makes a node, and begins to open it. */
export function createNode(options: string | NodeOptions): TestNode {
  return testNode(createRedisAdapter({
    prefix: "trunkline",
    ...typeof options === "string" ? { url: options } : options,
  }));
}

/** Makes a node that is open and listens to these channels. */
export function openNode(options: string | NodeOptions, ...channels: string[]): Promise<TestNode> {
  return opened(createNode(options), channels);
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
