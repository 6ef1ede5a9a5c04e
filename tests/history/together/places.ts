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

/** Creates an unused place in each available store, for the tests of one file. */
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

/** A store that a file of tests has for itself. */
export interface OwnStore {
  /** An unused place. */
  place(): Place;
  /** Kills it. */
  kill(): Promise<void>;
  /** Starts it again; resolves when it takes connections. */
  start(): Promise<void>;
  /** Freezes it: connections stay open, and nothing is answered. */
  pause(): void;
  /** Undoes `pause`. */
  resume(): void;
  /** Ends it. */
  stop(): Promise<void>;
}

/** Whether it writes its data to disk; otherwise they are gone with its process. */
type Kind = "durable" | "forgetful";

/** A store that tests may start. */
interface Startable {
  readonly store: string;
  /** Why what a durable one has kept begins a new epoch after a restart, where it does. */
  readonly newEpoch?: string;
  /** Whether it does so as another one of them does, and takes long to start: then there is but one, which forgets. */
  readonly asAnother?: boolean;
  /** Starts one. */
  launch(kind: Kind): Promise<OwnStore>;
}

/** One of each kind. */
export interface OwnStores extends Omit<Startable, "launch"> {
  readonly durable: OwnStore;
  readonly forgetful: OwnStore;
}

/** A broker that can be disposed of. */
type Started = Omit<OwnStore, "place"> & { readonly url: string };

const own = (broker: Started, store: string, more: Partial<Place> = {}): OwnStore =>
  Object.assign(broker, {
    place: () => ({ store, url: broker.url, prefix: crypto.randomUUID(), ...more }),
  });

const PERSISTENT = ["--appendonly", "yes", "--appendfsync", "always"];
const argsOf = (kind: Kind) => kind === "durable" ? PERSISTENT : [];

const launchRedis = (store: string) => async (kind: Kind) =>
  own(await startRedis({ args: argsOf(kind) }), store, { broker: RABBITMQ_URL }); // shared: it takes ten seconds to start

async function launchRedisCluster(kind: Kind): Promise<OwnStore> {
  const cluster = await startRedisCluster({ nodeTimeoutMs: 1_000, args: argsOf(kind) });
  const { nodes, url } = cluster;
  return own({
    url,
    kill: async () => void await Promise.all(nodes.map((node) => node.kill())),
    async start() {
      await Promise.all(nodes.map((node) => node.start()));
      await cluster.waitUntilStable();
    },
    pause: () => nodes.forEach((node) => node.pause()),
    resume: () => nodes.forEach((node) => node.resume()),
    stop: () => cluster.stop(),
  }, "redis-cluster");
}

const launchNats = async (kind: Kind) =>
  own(await startNats({ args: JETSTREAM }), "nats", { inMemory: kind === "forgetful" });

const launchPostgres = async (kind: Kind) =>
  own(await startPostgres({ settings: { fsync: kind === "durable" ? "on" : "off" } }), "postgres");

const REDIS = { newEpoch: "nothing tells what a Redis that was started again has not written" };

/** All of them whose programs are there. */
const STARTABLE: readonly Startable[] = [
  ...REDIS_SERVER
    ? [
      { store: "redis", ...REDIS, launch: launchRedis("redis") },
      { store: "redis-cluster", ...REDIS, asAnother: true, launch: launchRedisCluster },
    ]
    : [],
  ...NATS_SERVER ? [{ store: "nats", launch: launchNats }] : [],
  ...POSTGRES_SERVER ? [{ store: "postgres", launch: launchPostgres }] : [],
  ...REDIS_SERVER && RABBITMQ_URL ? [{ store: "rabbitmq", ...REDIS, launch: launchRedis("rabbitmq") }] : [],
];

/** Starts all that may be killed, frozen and started again, for the tests of one file. */
export async function launchAll(): Promise<readonly OwnStores[]> {
  const started: OwnStore[] = [];
  afterAll(async () => void await Promise.all(started.map((store) => store.stop())));
  return await Promise.all(STARTABLE.map(async ({ launch, ...what }) => {
    const start = async (kind: Kind) => {
      const store = await launch(kind);
      started.push(store);
      return store;
    };
    const forgetful = await start("forgetful");
    return { ...what, forgetful, durable: what.asAnother ? forgetful : await start("durable") };
  }));
}
