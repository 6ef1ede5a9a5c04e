/**
 * The stores that are tortured: their servers, with persistence on, and the adapters of nodes.
 *
 * @module
 */

import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { startNats } from "../../tools/brokers/nats.ts";
import { startPostgres } from "../../tools/brokers/postgres.ts";
import type { Broker } from "../../tools/brokers/program.ts";
import { startRedis } from "../../tools/brokers/redis.ts";
import { startRedisCluster } from "../../tools/brokers/redis_cluster.ts";
import type { NodePlace, StoreName } from "./words.ts";

/** The servers of a store. */
export interface TorturedStore extends AsyncDisposable {
  /** Where it is, as nodes are told. */
  readonly url: string;
  /** Its servers, each of which may be taken away. */
  readonly servers: readonly Broker[];
  /** Waits until it takes messages again, when all servers run. */
  waitUntilWhole(): Promise<void>;
}

/** Redis writes to disk before it confirms. */
const REDIS_ARGS = ["--appendonly", "yes", "--appendfsync", "always"];

function single(server: Broker): TorturedStore {
  return {
    url: server.url,
    servers: [server],
    waitUntilWhole: () => Promise.resolve(),
    [Symbol.asyncDispose]: () => server.stop(),
  };
}

/** How to start each. */
export const STORES: Readonly<Record<StoreName, () => Promise<TorturedStore>>> = {
  redis: async () => single(await startRedis({ args: REDIS_ARGS })),
  async "redis-cluster"() {
    const cluster = await startRedisCluster({ replicas: 1, nodeTimeoutMs: 2_000, args: REDIS_ARGS });
    return {
      url: cluster.url,
      servers: cluster.nodes,
      waitUntilWhole: () => cluster.waitUntilStable(),
      [Symbol.asyncDispose]: () => cluster.stop(),
    };
  },
  nats: async () => single(await startNats({ args: ["--jetstream", "--store_dir", "./jetstream"] })),
  postgres: async () => single(await startPostgres({ settings: { fsync: "on", synchronous_commit: "on" } })),
};

/** How soon a node notices that nothing comes through any more. */
const PROBES = { probeIntervalMs: 500, probeTimeoutMs: 2_000 } as const;

/** Makes the adapter of a node; loads no other. */
export async function connect({ store, url, prefix }: NodePlace): Promise<Adapter> {
  switch (store) {
    case "redis":
      return (await import("@trunkline/hub/adapters/redis")).createRedisAdapter({ url, prefix, ...PROBES });
    case "redis-cluster":
      return (await import("@trunkline/hub/adapters/redis-cluster"))
        .createRedisClusterAdapter({ nodes: url, prefix, ...PROBES });
    case "nats":
      return (await import("@trunkline/hub/adapters/nats"))
        .createNatsAdapter({ servers: url, prefix, history: true, ...PROBES });
    case "postgres":
      return (await import("@trunkline/hub/adapters/postgres"))
        .createPostgresAdapter({ url, prefix, ...PROBES });
  }
}
