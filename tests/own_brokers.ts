/**
 * Brokers of a test's own, to be killed, frozen and cut off: one entry for each adapter that has one.
 *
 * @module
 */

import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { createNatsAdapter } from "@trunkline/hub/adapters/nats";
import { createPostgresAdapter } from "@trunkline/hub/adapters/postgres";
import { createRabbitMqAdapter } from "@trunkline/hub/adapters/rabbitmq";
import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
import { createRedisClusterAdapter } from "@trunkline/hub/adapters/redis-cluster";
import process from "node:process";
import { startNats } from "../tools/brokers/nats.ts";
import { startPostgres } from "../tools/brokers/postgres.ts";
import type { Broker } from "../tools/brokers/program.ts";
import { startProxy } from "../tools/brokers/proxy.ts";
import { startRabbitMq } from "../tools/brokers/rabbitmq.ts";
import { startRedis } from "../tools/brokers/redis.ts";
import { startRedisCluster } from "../tools/brokers/redis_cluster.ts";

/** How soon an adapter notices that nothing comes through any more, where a test does not want to wait for longer. */
const PREFIX = "own";
const PROBES = { probeIntervalMs: 500 } as const;

/** A broker of a test's own, of one process or several. */
export interface OwnBroker extends AsyncDisposable {
  /** Kills it. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it takes connections. */
  start(): Promise<void>;
  /** Freezes it: connections stay open, and nothing is answered. */
  pause(): void;
  /** Undoes `pause`. */
  resume(): void;
  /** Makes a node's adapter. */
  createAdapter(): Adapter;
  /** Makes the adapter of a node whose connections can be cut off, where that goes through one address. */
  readonly behindProxy?: () => Promise<Severable>;
}

/** An adapter whose traffic can be lost. */
export interface Severable extends AsyncDisposable {
  readonly adapter: Adapter;
  /** Loses everything from now on, both ways; connections stay open. */
  blackhole(): void;
  /** Lets traffic through again. */
  heal(): void;
}

/** How to launch a broker. */
export interface BrokerKind {
  readonly name: string;
  /** Why there is none here; `undefined` when there is one. */
  readonly missing: string | undefined;
  /** Why tests that start many do without it, if they do. */
  readonly slow?: string;
  launch(): Promise<OwnBroker>;
}

function single(broker: Broker, createAdapter: (port: number) => Adapter): OwnBroker {
  return {
    kill: () => broker.kill(),
    start: () => broker.start(),
    pause: () => broker.pause(),
    resume: () => broker.resume(),
    createAdapter: () => createAdapter(broker.port),
    async behindProxy() {
      const proxy = await startProxy(broker.port);
      return {
        adapter: createAdapter(proxy.port),
        blackhole: () => proxy.blackhole(),
        heal: () => proxy.heal(),
        [Symbol.asyncDispose]: () => proxy.close(),
      };
    },
    [Symbol.asyncDispose]: () => broker.stop(),
  };
}

async function launchRedisCluster(): Promise<OwnBroker> {
  const cluster = await startRedisCluster({ nodeTimeoutMs: 1_000 });
  return {
    kill: async () => void await Promise.all(cluster.nodes.map((node) => node.kill())),
    async start() {
      await Promise.all(cluster.nodes.map((node) => node.start()));
      await cluster.waitUntilStable();
    },
    pause: () => cluster.nodes.forEach((node) => node.pause()),
    resume: () => cluster.nodes.forEach((node) => node.resume()),
    createAdapter: () => createRedisClusterAdapter({ nodes: cluster.url, prefix: PREFIX, ...PROBES }),
    [Symbol.asyncDispose]: () => cluster.stop(),
  };
}

const missing = (variable: string) => process.env[variable] ? undefined : `${variable} is not set`;

/** The brokers, by the name of their adapter. */
export const OWN_BROKERS: readonly BrokerKind[] = [
  {
    name: "redis",
    missing: missing("REDIS_SERVER"),
    launch: async () =>
      single(
        await startRedis(),
        (port) => createRedisAdapter({ url: `redis://127.0.0.1:${port}`, prefix: PREFIX, ...PROBES }),
      ),
  },
  { name: "redis-cluster", missing: missing("REDIS_SERVER"), launch: launchRedisCluster },
  {
    name: "nats",
    missing: missing("NATS_SERVER"),
    launch: async () =>
      single(
        await startNats(),
        (port) => createNatsAdapter({ servers: `nats://127.0.0.1:${port}`, prefix: PREFIX, ...PROBES }),
      ),
  },
  {
    name: "postgres",
    missing: missing("POSTGRES_SERVER"),
    launch: async () =>
      single(
        await startPostgres(),
        (port) =>
          createPostgresAdapter({
            url: `postgres://postgres@127.0.0.1:${port}/postgres`,
            prefix: PREFIX,
            ...PROBES,
          }),
      ),
  },
  {
    name: "rabbitmq",
    missing: missing("RABBITMQ_SERVER"),
    slow: "it takes ten seconds to start: tests/adapters/rabbitmq kills and freezes one",
    launch: async () =>
      single(
        await startRabbitMq(),
        (port) => createRabbitMqAdapter({ url: `amqp://127.0.0.1:${port}`, prefix: PREFIX, ...PROBES }),
      ),
  },
];
