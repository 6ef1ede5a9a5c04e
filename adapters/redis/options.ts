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
   * Keeps applications on one Redis apart: nodes with the same prefix form a cluster, and one node may disconnect the
   * clients of all. Any text that is not empty; the name of your application will do.
   */
  readonly prefix: string;
  /**
   * How long connecting may take, in milliseconds, before another attempt.
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
   * How long a connection may be silent while an answer is due, in milliseconds. After that it counts as dead and is
   * replaced. A dead connection is noticed within this time plus `probeIntervalMs`.
   *
   * @default {5_000}
   */
  readonly probeTimeoutMs?: number;
  /**
   * The largest message, in bytes. By its default `client-output-buffer-limit`, Redis disconnects a subscriber with
   * more than 32 MiB to read.
   *
   * @default {8_388_608}
   */
  readonly maxMessageBytes?: number;
  /**
   * How many bytes of published messages may wait for Redis' answer. Beyond it the adapter drops messages, and reports
   * them with stage `"publish"`.
   *
   * @default {33_554_432}
   */
  readonly maxPendingBytes?: number;
  /**
   * How long to remember a topic with history after its last message, in milliseconds. After that its epoch is gone,
   * and all its messages.
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
 * @param options The user's options.
 * @param owner The function that takes the options.
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
