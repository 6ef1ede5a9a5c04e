/**
 * What users say about their Redis Cluster.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { count, having, oneOf, secret, text } from "../../contract/options/option_kinds.ts";
import { type Kind, optional, or, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { engineRows, prefixFor, refuseAddress } from "../kit/options.ts";
import { HISTORY_KEEP, type RedisAddress, type RedisTlsOptions, tlsOption } from "../kit/redis/options.ts";
import type { ClusterCarrierOptions } from "./carrier.ts";
import { readNodes, type RedisClusterClient, type RedisClusterNatMap } from "./nodes.ts";
import { Names, placePartitions } from "./partitions.ts";

/** Options of `createRedisClusterAdapter`. */
export interface RedisClusterAdapterOptions {
  /**
   * Some of the cluster's nodes, to find the others by: `redis://[[USER]:PASSWORD@]HOST[:PORT]`, `rediss://` for TLS, or
   * host and port; URLs also separated by commas. What one of them says about user, password and TLS holds for all.
   */
  readonly nodes?: string | readonly (string | RedisAddress)[];
  /**
   * A `Cluster` of ioredis that you have, instead of nodes: the adapter makes connections of its own to the nodes that
   * the client knows, in the way the client does. It sends nothing over the client and never closes it; the client's
   * `keyPrefix` does not apply.
   */
  readonly client?: RedisClusterClient;
  /**
   * The user of Redis' ACL.
   *
   * @default {the user named default}
   */
  readonly username?: string;
  /** The password. */
  readonly password?: string;
  /**
   * TLS: `true` for the defaults.
   *
   * @default {true for rediss://, else false}
   */
  readonly tls?: boolean | RedisTlsOptions;
  /** Where nodes are that the cluster knows by other addresses: behind NAT, in containers. */
  readonly natMap?: RedisClusterNatMap;
  /**
   * Keeps applications on one Redis Cluster apart: nodes with the same prefix form a cluster, and one of them may send the
   * clients of all away. Any text but the empty one; your application's name will do.
   */
  readonly prefix: string;
  /**
   * Over how many partitions channels are spread; with `mode: "classic"` there is one. All nodes of an application must
   * agree: those that do not never meet. More than masters, so that shards that are added get their share.
   *
   * @default {64}
   */
  readonly partitions?: number;
  /**
   * `"sharded"` needs Redis 7 or later. `"classic"` works before that; every message then goes to every node of the
   * Redis Cluster. All nodes of an application must agree.
   *
   * @default {"sharded"}
   */
  readonly mode?: "sharded" | "classic";
  /**
   * How long a connection may take to be made, in milliseconds, before another attempt.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How often to check that messages still come through and which node serves what, in milliseconds.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long an answer may take, in milliseconds, before a connection counts as dead and is replaced. A dead connection is
   * noticed within this and the interval.
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

/** There are so many slots, and a partition needs one. */
const MAX_PARTITIONS = 1_024;

/** Read by `readNodes`, which says what is wrong without repeating what may hold a password. */
const unread = <T>(): Kind<T | undefined> => (value) => value as T | undefined;

const ROWS = {
  ...engineRows({ maxMessageBytes: 8 * 1024 * 1024, maxPendingBytes: 32 * 1024 * 1024 }),
  nodes: unread<string | readonly (string | RedisAddress)[]>(),
  client: optional(having<RedisClusterClient>("a Cluster of ioredis")),
  username: optional(text),
  password: optional(secret),
  tls: optional(tlsOption),
  natMap: unread<RedisClusterNatMap>(),
  prefix: prefixFor("Redis Cluster"),
  partitions: or(count({ max: MAX_PARTITIONS }), 64),
  mode: or(oneOf("sharded", "classic"), "sharded"),
  historyKeepMs: HISTORY_KEEP,
} satisfies Rows<RedisClusterAdapterOptions>;

/**
 * Checks options and fills in the defaults.
 *
 * @param options What the user gave.
 * @param owner Whose options they are.
 * @throws {TypeError} If something is of the wrong kind, or contradicts something else.
 * @throws {RangeError} If a number is out of range.
 */
export function readClusterOptions(
  options: RedisClusterAdapterOptions,
  owner: "createRedisClusterAdapter" | "createRedisClusterHistory",
): ClusterCarrierOptions & { readonly maxMessageBytes: number; readonly historyKeepMs: number } {
  refuseAddress(owner, options, "nodes");
  const read = readOptions(owner, options, ROWS);
  const { prefix, partitions, mode, maxMessageBytes, maxPendingBytes, clock, historyKeepMs } = read;
  const { connectTimeoutMs, probeIntervalMs, probeTimeoutMs } = read;
  return {
    nodes: readNodes(read),
    names: new Names(prefix),
    mode,
    places: mode === "sharded" ? placePartitions(partitions) : [{ tag: "classic", slot: -1 }],
    clock,
    connectTimeoutMs,
    probeIntervalMs,
    probeTimeoutMs,
    maxPendingBytes,
    maxMessageBytes,
    historyKeepMs,
  };
}
