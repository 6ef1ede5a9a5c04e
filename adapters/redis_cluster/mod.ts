/**
 * The adapter for Redis Cluster: sharded pub/sub, with channels spread over a fixed number of partitions. So the
 * traffic of a channel is on one shard, and a node has few connections.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import type { HistoryStore } from "../history_store.ts";
import { explained } from "../kit/failure.ts";
import { createStandAloneHistory } from "../kit/redis/history/stand_alone.ts";
import { RedisHistory } from "../kit/redis/history/store.ts";
import type { RedisAddress, RedisTlsOptions } from "../kit/redis/options.ts";
import { createRedisPresence } from "../kit/redis/presence/store.ts";
import { NotSentError, type RedisReach } from "../kit/redis/reach.ts";
import { createShell } from "../kit/shell.ts";
import { ClusterCarrier } from "./carrier.ts";
import { isForNow } from "./errors.ts";
import type { RedisClusterClient, RedisClusterNatMap } from "./nodes.ts";
import { HOLD_MS } from "./moves.ts";
import { partitionOf } from "./partitions.ts";
import { readClusterOptions, type RedisClusterAdapterOptions } from "./options.ts";

export type {
  RedisAddress,
  RedisClusterAdapterOptions,
  RedisClusterClient,
  RedisClusterNatMap,
  RedisTlsOptions,
};

/**
 * Creates the adapter for Redis Cluster. It connects when it is opened. It follows moved slots and replicas that take
 * over, and restores every subscription before it reports `"up"`. It never sends a message again: while a shard is
 * away, it drops messages for that shard and reports them.
 *
 * @example The one line that changes
 * ```ts ignore
 * // Needs a cluster.
 * const nodes = ["redis://10.0.0.1:6379", "redis://10.0.0.2:6379"];
 * const adapter = createRedisClusterAdapter({ nodes, prefix: "chat" });
 * const hub = createHub(chat, { authenticate, adapter });
 * ```
 *
 * @example Options, and an adapter that was never opened
 * ```ts
 * import { createRedisClusterAdapter } from "@trunkline/hub/adapters/redis-cluster";
 * import { assertEquals } from "@std/assert";
 *
 * await using adapter = createRedisClusterAdapter({
 *   nodes: "rediss://redis.example.com",
 *   username: "chat",
 *   password: "correct horse",
 *   prefix: "chat",
 * });
 * assertEquals(adapter.name, "redis-cluster");
 * ```
 *
 * @param options The prefix, and some of the cluster's nodes.
 * @throws {TypeError} If the prefix is missing, no node can be read, or options contradict each other.
 * @throws {RangeError} If a number is out of range.
 */
export function createRedisClusterAdapter(options: RedisClusterAdapterOptions): Adapter {
  return assemble(readClusterOptions(options, "createRedisClusterAdapter"), true);
}

/** Options of {@linkcode createRedisClusterHistory}: the options of the adapter that concern histories. */
export type RedisClusterHistoryOptions = Omit<RedisClusterAdapterOptions, "maxPendingBytes" | "mode">;

/**
 * Keeps the histories of topics in Redis Cluster, for hubs with another adapter. `createRedisClusterAdapter` has its
 * own histories.
 *
 * It loads its client library and connects when the first hub opens it, with one connection to each master. It follows
 * moved slots and replicas that take over. While a shard is away, it refuses messages for that shard with
 * `UNAVAILABLE`.
 *
 * @example
 * ```ts ignore
 * // Needs servers.
 * const hub = createHub(chat, {
 *   authenticate,
 *   adapter: createNatsAdapter({ servers: "nats://localhost:4222", prefix: "chat" }),
 *   history: createRedisClusterHistory({ nodes: "redis://10.0.0.1:6379", prefix: "chat" }),
 * });
 * ```
 *
 * @param options The prefix, and some of the cluster's nodes.
 * @throws {TypeError} If the prefix is missing, no node can be read, or options contradict each other.
 * @throws {RangeError} If a number is out of range.
 */
export function createRedisClusterHistory(options: RedisClusterHistoryOptions): HistoryStore {
  const settings = readClusterOptions(options, "createRedisClusterHistory");
  if (settings.mode === "classic") {
    throw new TypeError('Cannot keep histories in Redis Cluster with mode: "classic": leave the mode out');
  }
  return createStandAloneHistory("redis-cluster", () => assemble(settings, false));
}

function assemble(settings: ReturnType<typeof readClusterOptions>, publishesHistory: boolean): Adapter {
  const { nodes, names, places, mode, maxMessageBytes, clock, historyKeepMs } = settings;
  const tagOf = (name: string) => places[partitionOf(name, places.length)]!.tag;
  let carrier: ClusterCarrier | undefined;
  const reach = (keysOf: (tag: string) => string): RedisReach => ({
    partOf: (name) => partitionOf(name, places.length),
    keysOf: (part) => keysOf(places[part]!.tag),
    async run(part, commands) {
      if (!carrier) throw new NotSentError("redis-cluster is not open", true);
      return await carrier.run(part, commands);
    },
    patience: { clock, ms: HOLD_MS, isForNow },
    explain: (error) => explained("redis-cluster", error, nodes.secrets),
  });
  // Keys belong to slots, and the classic mode knows no slots.
  const stores = mode === "sharded" && {
    presence: createRedisPresence("redis-cluster", reach((tag) => names.presenceKeys(tag))),
    history: new RedisHistory({
      name: "redis-cluster",
      reach: reach((tag) => names.historyKeys(tag)),
      maxMessageBytes,
      keepMs: historyKeepMs,
      ...(publishesHistory && {
        publishing: { command: "SPUBLISH", nameOf: (channel) => names.of(tagOf(channel), channel) },
      }),
    }),
  };
  const identity = {
    name: "redis-cluster",
    title: "redis-cluster",
    maxMessageBytes,
    get address() {
      return nodes.seeds().join(", ");
    },
    get secrets() {
      return nodes.secrets;
    },
    ...stores,
  };
  return createShell(identity, clock, (reporter) => {
    const history = stores ? stores.history : undefined;
    return carrier = new ClusterCarrier({ ...settings, history }, reporter);
  });
}
