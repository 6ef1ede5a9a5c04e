/**
 * Where the histories of a cluster can be: one entry for each store. Loads no library but that of the store that is asked for,
 * and does not use the harness, which works in tests alone.
 *
 * @module
 */

import { createMemoryAdapter, createMemoryBus, createMemoryHistory } from "@trunkline/hub";
import type { MarketOptions } from "./market.ts";

/** A store that is somewhere. */
export interface Place {
  readonly store: string;
  /** The address of the store. */
  readonly url: string;
  /** The address of the broker between the nodes, where that is another one. */
  readonly broker?: string;
  readonly prefix: string;
  /** Whether NATS keeps them in its memory. */
  readonly inMemory?: boolean;
}

/** How soon an adapter notices that nothing comes through any more, with time for a machine that is busy. */
const PROBES = { probeIntervalMs: 500, probeTimeoutMs: 2_000, connectTimeoutMs: 2_000 } as const;

/** Creates the options of another node of the cluster at a place. */
export async function connect(
  { store, url, broker = "", prefix, inMemory }: Place,
): Promise<() => Pick<MarketOptions, "adapter" | "history">> {
  switch (store) {
    case "memory": {
      const [bus, history] = [createMemoryBus(), createMemoryHistory()];
      return () => ({ adapter: createMemoryAdapter({ bus, prefix }), history });
    }
    case "redis": {
      const { createRedisAdapter } = await import("@trunkline/hub/adapters/redis");
      return () => ({ adapter: createRedisAdapter({ url, prefix, ...PROBES }) });
    }
    case "redis-cluster": {
      const { createRedisClusterAdapter } = await import("@trunkline/hub/adapters/redis-cluster");
      return () => ({ adapter: createRedisClusterAdapter({ nodes: url, prefix, ...PROBES }) });
    }
    case "nats": {
      const { createNatsAdapter } = await import("@trunkline/hub/adapters/nats");
      const history = inMemory ? { storage: "memory" } as const : true;
      return () => ({ adapter: createNatsAdapter({ servers: url, prefix, history, ...PROBES }) });
    }
    case "postgres": {
      const { createPostgresAdapter } = await import("@trunkline/hub/adapters/postgres");
      return () => ({ adapter: createPostgresAdapter({ url, prefix, ...PROBES }) });
    }
    case "rabbitmq": {
      const { createRabbitMqAdapter } = await import("@trunkline/hub/adapters/rabbitmq");
      const { createRedisHistory } = await import("@trunkline/hub/adapters/redis");
      return () => ({
        adapter: createRabbitMqAdapter({ url: broker, prefix }),
        history: createRedisHistory({ url, prefix, ...PROBES }),
      });
    }
    default:
      throw new TypeError(`Cannot keep histories in "${store}"`);
  }
}
