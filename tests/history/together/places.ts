/**
 * The stores that all tests share, and stores of a test's own, to be killed, frozen and started again.
 *
 * @module
 */

import process from "node:process";
import { startNats } from "../../../tools/brokers/nats.ts";
import { startPostgres } from "../../../tools/brokers/postgres.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { startRedisCluster } from "../../../tools/brokers/redis_cluster.ts";
import { afterAll } from "../../harness.ts";
import type { Place } from "./stores.ts";

const { REDIS_SERVER, NATS_SERVER, POSTGRES_SERVER } = process.env;
const { REDIS_URL, REDIS_CLUSTER_URL, POSTGRES_URL, RABBITMQ_URL } = process.env;

/** The arguments of a NATS server with JetStream, which keeps its files in its own folder. */
const JETSTREAM = ["--jetstream", "--store_dir", "./jetstream"] as const;

/** Finds a place that nobody else is at, in each store that is there, for the tests of one file. */
export async function openPlaces(): Promise<readonly (() => Place)[]> {
  // The one that all tests share has no JetStream.
  const nats = NATS_SERVER ? await startNats({ args: JETSTREAM }) : undefined;
  if (nats) afterAll(() => nats.stop());
  const there: readonly (Omit<Place, "prefix">)[] = [
    { store: "memory", url: "-" },
    { store: "redis", url: REDIS_URL ?? "" },
    { store: "redis-cluster", url: REDIS_CLUSTER_URL ?? "" },
    { store: "nats", url: nats?.url ?? "" },
    { store: "postgres", url: POSTGRES_URL ?? "" },
    { store: "rabbitmq", url: RABBITMQ_URL && REDIS_URL ? REDIS_URL : "", broker: RABBITMQ_URL },
  ];
  return there.filter(({ url }) => url).map((place) => () => ({ ...place, prefix: crypto.randomUUID() }));
}

/** How tests call a store. */
export const nameOf = ({ store }: Pick<Place, "store">): string =>
  store === "rabbitmq" ? "rabbitmq, history in redis" : store;

/** A store of a test's own. */
export interface OwnStore extends AsyncDisposable {
  readonly place: Place;
  /** Kills it. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it takes connections. */
  start(): Promise<void>;
  /** Freezes it: connections stay open, and nothing is answered. */
  pause(): void;
  /** Undoes `pause`. */
  resume(): void;
}

/** Stores that tests may start. */
export interface OwnStores {
  readonly store: string;
  /** Why what a durable one has kept begins a new epoch after a restart, where it does. */
  readonly newEpoch?: string;
  /** Whether it does so as another one of them does, and takes long to start. */
  readonly asAnother?: boolean;
  /** Starts one: durable, or such that whatever it keeps is gone with its process. */
  launch(kind: "durable" | "forgetful"): Promise<OwnStore>;
}

const place = (store: string, url: string, more: Partial<Place> = {}): Place => ({
  store,
  url,
  prefix: "own",
  ...more,
});

const PERSISTENT = ["--appendonly", "yes", "--appendfsync", "always"];

async function launchRedis(kind: "durable" | "forgetful", store: string): Promise<OwnStore> {
  const broker = await startRedis({ args: kind === "durable" ? PERSISTENT : [] });
  // Shared: RabbitMQ takes ten seconds to start.
  const more = { broker: RABBITMQ_URL, prefix: crypto.randomUUID() };
  return Object.assign(broker, { place: place(store, broker.url, more) });
}

const REDIS = "nothing tells what a Redis that was started again has not written";

/** All of them whose programs are there. */
export const OWN_STORES: readonly OwnStores[] = [
  ...REDIS_SERVER
    ? [
      {
        store: "redis",
        newEpoch: REDIS,
        launch: (kind: "durable" | "forgetful") => launchRedis(kind, "redis"),
      },
      {
        store: "redis-cluster",
        newEpoch: REDIS,
        asAnother: true,
        async launch(kind: "durable" | "forgetful") {
          const args = kind === "durable" ? PERSISTENT : [];
          const cluster = await startRedisCluster({ nodeTimeoutMs: 1_000, args });
          return {
            place: place("redis-cluster", cluster.url),
            kill: async () => void await Promise.all(cluster.nodes.map((node) => node.kill())),
            async start() {
              await Promise.all(cluster.nodes.map((node) => node.start()));
              await cluster.waitUntilStable();
            },
            pause: () => cluster.nodes.forEach((node) => node.pause()),
            resume: () => cluster.nodes.forEach((node) => node.resume()),
            [Symbol.asyncDispose]: () => cluster.stop(),
          };
        },
      },
    ]
    : [],
  ...NATS_SERVER
    ? [{
      store: "nats",
      async launch(kind: "durable" | "forgetful") {
        const broker = await startNats({ args: JETSTREAM });
        return Object.assign(broker, {
          place: place("nats", broker.url, { inMemory: kind === "forgetful" }),
        });
      },
    }]
    : [],
  ...POSTGRES_SERVER
    ? [{
      store: "postgres",
      async launch(kind: "durable" | "forgetful") {
        const broker = await startPostgres({ settings: { fsync: kind === "durable" ? "on" : "off" } });
        // Data folders of servers are used again.
        return Object.assign(broker, {
          place: place("postgres", broker.url, { prefix: crypto.randomUUID() }),
        });
      },
    }]
    : [],
  ...REDIS_SERVER && RABBITMQ_URL
    ? [{
      store: "rabbitmq",
      newEpoch: REDIS,
      launch: (kind: "durable" | "forgetful") => launchRedis(kind, "rabbitmq"),
    }]
    : [],
];
