/**
 * The options of the Redis adapter.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { type Read, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { engineRows, prefixFor, refuseAddress } from "../kit/options.ts";
import type { RedisDriver } from "../kit/redis/link.ts";
import {
  CONNECTION_ROWS,
  driverFor,
  HISTORY_KEEP,
  type RedisConnectionOptions,
} from "../kit/redis/options.ts";

/** Options of `createRedisAdapter`. */
export interface RedisAdapterOptions extends RedisConnectionOptions {
  /**
   * Keeps applications on one Redis apart: nodes with the same prefix form a cluster, and one of them may send the clients
   * of all away. Any text but the empty one; your application's name will do.
   */
  readonly prefix: string;
  /**
   * How long a connection may take to be made, in milliseconds, before another attempt.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How often to check that messages still come through, in milliseconds.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long a connection may be silent, when an answer is due, before it counts as dead and is replaced, in
   * milliseconds. A dead connection is noticed within this and the interval.
   *
   * @default {5_000}
   */
  readonly probeTimeoutMs?: number;
  /**
   * The largest message, in bytes. Redis disconnects a subscriber that has more than 32 MiB to read, by its default
   * `client-output-buffer-limit`.
   *
   * @default {8_388_608}
   */
  readonly maxMessageBytes?: number;
  /**
   * How many bytes of published messages may be on their way, not yet confirmed by Redis. Beyond it a publish is dropped
   * and reported with stage `"publish"`.
   *
   * @default {33_554_432}
   */
  readonly maxPendingBytes?: number;
  /**
   * How long a topic with history is remembered that nobody publishes on, in milliseconds: then its messages, if they
   * have not expired before, and its epoch are gone.
   *
   * @default {2_592_000_000, which is 30 days}
   */
  readonly historyKeepMs?: number;
  /**
   * The source of time, for tests.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

const ROWS = {
  ...CONNECTION_ROWS,
  ...engineRows({ maxMessageBytes: 8 * 1024 * 1024, maxPendingBytes: 32 * 1024 * 1024 }),
  prefix: prefixFor("Redis"),
  historyKeepMs: HISTORY_KEEP,
} satisfies Rows<RedisAdapterOptions>;

/**
 * Checks options and fills in the defaults.
 *
 * @param options What the user gave.
 * @param owner Whose options they are.
 */
export function readRedisOptions(
  options: RedisAdapterOptions,
  owner: "createRedisAdapter" | "createRedisHistory",
): Omit<Read<typeof ROWS>, keyof RedisConnectionOptions> & { readonly driver: RedisDriver } {
  refuseAddress(owner, options, "url");
  const read = readOptions(owner, options, ROWS);
  const {
    prefix,
    clock,
    connectTimeoutMs,
    probeIntervalMs,
    probeTimeoutMs,
    maxMessageBytes,
    maxPendingBytes,
    historyKeepMs,
  } = read;
  return {
    driver: driverFor(read, connectTimeoutMs),
    prefix,
    clock,
    connectTimeoutMs,
    probeIntervalMs,
    probeTimeoutMs,
    maxMessageBytes,
    maxPendingBytes,
    historyKeepMs,
  };
}
