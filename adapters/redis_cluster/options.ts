/**
 * The options of the Redis Cluster adapter.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { count, having, oneOf, secret, text } from "../../contract/options/option_kinds.ts";
import { type Kind, optional, or, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { engineRows, prefixFor, refuseAddress, refuseUrl } from "../kit/options.ts";
import { HISTORY_KEEP, type RedisAddress, type RedisTlsOptions, tlsOption } from "../kit/redis/options.ts";
import type { ClusterCarrierOptions } from "./carrier.ts";
import { readNodes, type RedisClusterClient, type RedisClusterNatMap } from "./nodes.ts";
import { Names, placePartitions } from "./partitions.ts";

/** Options of `createRedisClusterAdapter`. */
export interface RedisClusterAdapterOptions {
  /**
   * Some of the cluster's nodes, to find the others: `redis://[[USER]:PASSWORD@]HOST[:PORT]`, `rediss://` for TLS, or
   * host and port. Several URLs may be in one text, with commas between them. User, password and TLS of one node apply
   * to all nodes.
   */
  readonly nodes?: string | readonly (string | RedisAddress)[];
  /**
   * Your own `Cluster` of ioredis, instead of nodes. The adapter makes its own connections to the nodes that the client
   * knows, with the client's options. It sends nothing over the client and never closes it. The client's `keyPrefix`
   * does not apply.
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
  /** The addresses of nodes that the cluster knows by other addresses: behind NAT, in containers. */
  readonly natMap?: RedisClusterNatMap;
  /**
   * Keeps applications on one Redis Cluster apart: nodes with the same prefix form a cluster, and one node may
   * disconnect the clients of all. Any text that is not empty; the name of your application will do.
   */
  readonly prefix: string;
  /**
   * The number of partitions for the channels; with `mode: "classic"` there is one. All nodes of an application need
   * the same number: nodes with different numbers do not reach each other. Use more partitions than masters, so that
   * new shards get their share.
   *
   * @default {64}
   */
  readonly partitions?: number;
  /**
   * `"sharded"` needs Redis 7 or later. `"classic"` also works with earlier versions, but sends every message to every
   * node of the Redis Cluster. All nodes of an application need the same mode.
   *
   * @default {"sharded"}
   */
  readonly mode?: "sharded" | "classic";
  /**
   * How long connecting may take, in milliseconds, before another attempt.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How often to check that messages still come through, and which node serves which slot, in milliseconds.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long an answer may take, in milliseconds. After that the connection counts as dead and is replaced. A dead
   * connection is noticed within this time plus `probeIntervalMs`.
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

/** The most partitions. Each one needs a slot. */
const MAX_PARTITIONS = 1_024;

/** `readNodes` reads these options. Its errors do not repeat the value, because it may hold a password. */
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
 * @param options The user's options.
 * @param owner The function that takes the options.
 * @throws {TypeError} If an option has the wrong type, or contradicts another.
 * @throws {RangeError} If a number is out of range.
 */
export function readClusterOptions(
  options: RedisClusterAdapterOptions,
  owner: "createRedisClusterAdapter" | "createRedisClusterHistory",
): ClusterCarrierOptions & { readonly maxMessageBytes: number; readonly historyKeepMs: number } {
  refuseAddress(owner, options, "nodes");
  refuseUrl(owner, options, "nodes");
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
