/**
 * `createRedisHistory`: histories in Redis for clusters over another backplane.
 *
 * @module
 */

import type { HistoryStore } from "../history_store.ts";
import { createEngineAdapter } from "../kit/engine_adapter.ts";
import { createStandAloneHistory } from "../kit/redis/history/stand_alone.ts";
import { RedisChannels } from "./channels.ts";
import { RedisEngine } from "./engine.ts";
import { readRedisOptions, type RedisAdapterOptions } from "./options.ts";

/** Options of {@linkcode createRedisHistory}: the options of `createRedisAdapter` that concern histories. */
export type RedisHistoryOptions = Omit<RedisAdapterOptions, "maxPendingBytes">;

/**
 * Keeps the histories of topics in Redis, for hubs with another adapter. `createRedisAdapter` has its own histories.
 *
 * It loads its client library and makes two connections when the first hub opens it. It reconnects by itself. While
 * Redis is away, it refuses every message to store with `UNAVAILABLE`.
 *
 * @example
 * ```ts ignore
 * // Needs servers.
 * const hub = createHub(chat, {
 *   authenticate,
 *   adapter: createNatsAdapter({ servers: "nats://localhost:4222", prefix: "chat" }),
 *   history: createRedisHistory({ url: "redis://localhost:6379", prefix: "chat" }),
 * });
 * ```
 *
 * @param options The address of Redis, and the prefix.
 * @throws {TypeError} If the URL is not valid, the prefix is missing, an option is unknown, or options contradict each
 * other.
 * @throws {RangeError} If a number is out of range.
 */
export function createRedisHistory(options: RedisHistoryOptions): HistoryStore {
  const { prefix, clock, ...read } = readRedisOptions(options, "createRedisHistory");
  const { driver, probeTimeoutMs, maxMessageBytes, historyKeepMs, ...times } = read;
  const channels = new RedisChannels(prefix);
  const settings = { driver, channels, clock, probeTimeoutMs, maxMessageBytes, historyKeepMs };
  return createStandAloneHistory(
    "redis",
    () =>
      createEngineAdapter(new RedisEngine({ ...settings, publishesHistory: false }), {
        clock,
        answerTimeoutMs: times.connectTimeoutMs,
        ...times,
      }),
  );
}
