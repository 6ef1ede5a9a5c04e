/**
 * What users say about their Redis Cluster.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { RedisClusterClient, RedisClusterNatMap } from "./nodes.ts";
import type { RedisAddress, RedisTlsOptions } from "../kit/redis/options.ts";

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
   * Keeps applications on one cluster apart: nodes with the same prefix form a cluster.
   *
   * @default {"trunkline"}
   */
  readonly prefix?: string;
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
   * The source of time, for tests.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * A number of the options.
 *
 * @throws {RangeError} If it is not above 0.
 */
export function positive<K extends keyof RedisClusterAdapterOptions>(
  options: RedisClusterAdapterOptions,
  name: K,
  initial: number,
): number {
  const value = options[name] ?? initial;
  if (typeof value === "number" && value > 0) return value;
  throw new RangeError(`Cannot create a redis-cluster adapter: ${name} must be above 0`);
}
