/**
 * The adapter for Redis: nodes reach each other by its pub/sub, over two connections each. For one server, or for a
 * master and its replicas behind Redis Sentinel.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import { createEngineAdapter } from "../kit/engine_adapter.ts";
import { RedisChannels } from "./channels.ts";
import { RedisEngine } from "./engine.ts";
import { readRedisOptions, type RedisAdapterOptions } from "./options.ts";

export { createRedisHistory, type RedisHistoryOptions } from "./history.ts";
export type { RedisAdapterOptions } from "./options.ts";
export type {
  RedisAddress,
  RedisClientLike,
  RedisConnectionOptions,
  RedisTlsOptions,
} from "../kit/redis/options.ts";

/**
 * Creates the adapter for Redis 5 and later. It loads its client library and connects when it is opened. It reconnects
 * by itself, and restores every subscription before it reports `"up"`. It never sends a message again: while Redis is
 * away, it drops published messages and reports them.
 *
 * @example The one line that changes
 * ```ts ignore
 * // Needs a server.
 * const adapter = createRedisAdapter({ url: "redis://localhost:6379", prefix: "chat" });
 * const hub = createHub(chat, { authenticate, adapter });
 * ```
 *
 * @example Options, and an adapter that was never opened
 * ```ts
 * import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
 * import { assertEquals } from "@std/assert";
 *
 * await using adapter = createRedisAdapter({
 *   url: "rediss://redis.example.com",
 *   username: "chat",
 *   password: "correct horse",
 *   prefix: "chat",
 * });
 * assertEquals(adapter.name, "redis");
 * ```
 *
 * @param options The address of Redis, and the prefix.
 * @throws {TypeError} If the URL is not valid, the prefix is missing, an option is unknown, or options contradict each
 * other.
 * @throws {RangeError} If a number is out of range.
 */
export function createRedisAdapter(options: RedisAdapterOptions): Adapter {
  const { prefix, clock, ...read } = readRedisOptions(options, "createRedisAdapter");
  const { driver, probeTimeoutMs, maxMessageBytes, historyKeepMs, ...times } = read;
  const channels = new RedisChannels(prefix);
  const engine = new RedisEngine({
    driver,
    channels,
    clock,
    probeTimeoutMs,
    maxMessageBytes,
    historyKeepMs,
    publishesHistory: true,
  });
  return createEngineAdapter(engine, { clock, answerTimeoutMs: times.connectTimeoutMs, ...times });
}
