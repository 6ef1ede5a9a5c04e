/**
 * The brokers that tests need: the programs of servers, for tests that stop their broker, and one broker of each kind for all
 * other tests.
 *
 * @module
 */

import { startLibp2pRelay } from "../brokers/libp2p_relay.ts";
import { startNats } from "../brokers/nats.ts";
import { findPostgres, startPostgres } from "../brokers/postgres.ts";
import { findServer } from "../brokers/program.ts";
import { startRabbitMq } from "../brokers/rabbitmq.ts";
import { startRedisCluster } from "../brokers/redis_cluster.ts";
import { startRedis } from "../brokers/redis.ts";
import { program } from "./program.ts";
import type { Package, Requirement } from "./requirement.ts";

/** The beginnings of the paths of tests that run on every adapter whose broker is available. */
const ON_EVERY_ADAPTER = [
  "tests/cluster/",
  "tests/examples/cluster",
  "tests/history/together/",
  "tests/hub/",
  "tests/load/",
  "tests/presence/cluster",
  "tests/presence/killed_node",
  "tests/presence/together",
  "tests/promises/",
];

/** The program of a server. */
interface ServerProgram {
  /** Its name. */
  readonly name: string;
  /** The package that contains it. */
  readonly package: Package;
  /**
   * Finds it if no variable names it; by default on the PATH.
   *
   * @returns Its path, or `undefined` if there is none.
   */
  find?(): string | undefined;
  /** The variable that may hold its path, and does for the tests. */
  readonly variable: string;
  /** The beginnings of the paths of tests that run it themselves. */
  readonly neededBy: readonly string[];
  /** The beginnings of the paths of test files in which some tests run it. */
  readonly usedBy: readonly string[];
}

/** A broker that tests share. */
interface SharedBroker {
  readonly name: string;
  /** The variable that may hold its address, and does for the tests. */
  readonly variable: string;
  /** The folder of its adapter's tests. */
  readonly folder: string;
  /** The name of its program. */
  readonly server: string;
  /** Starts it. */
  start(program: string): Promise<{ readonly url: string; stop(): Promise<void> }>;
}

/** The requirement of a server's program: a variable names it, it is on the PATH, or it is installed. */
function serverProgram({ name, variable, neededBy, usedBy, find, ...server }: ServerProgram): Requirement {
  return program({
    name,
    variable,
    package: server.package,
    neededBy: (file) => neededBy.some((start) => file.startsWith(start)),
    usedBy: (file) => [...usedBy, ...ON_EVERY_ADAPTER].some((start) => file.startsWith(start)),
    find: find ?? (() => findServer(name, variable)),
  });
}

/** The requirement of a broker: a variable names a running one, or one is started. */
function sharedBroker({ name, variable, folder, server, start }: SharedBroker): Requirement {
  return {
    name,
    variable,
    neededBy: (file) => file.startsWith(folder),
    usedBy: (file) => ON_EVERY_ADAPTER.some((start) => file.startsWith(start)),
    async provide({ earlier }) {
      const named = Deno.env.get(variable);
      if (named) return { env: { [variable]: named }, origin: `already running, named by ${variable}` };
      const found = earlier.get(server);
      if (!found || "missing" in found) {
        return {
          missing: `not named by ${variable}, and no ${server}: ${found?.missing ?? "not asked for"}`,
        };
      }
      try {
        const broker = await start(Object.values(found.env)[0]!);
        return {
          env: { [variable]: broker.url },
          origin: `started on ${broker.url}`,
          stop: () => broker.stop(),
        };
      } catch (error) {
        return { missing: error instanceof Error ? error.message : String(error) };
      }
    },
  };
}

/** Needs no broker: each test forks its own relay. A variable enables it, so that the quick tests run without it. */
const NODE_CLUSTER: Requirement = {
  name: "node-cluster",
  variable: "NODE_CLUSTER",
  neededBy: () => false,
  usedBy: (file) => ON_EVERY_ADAPTER.some((start) => file.startsWith(start)),
  provide: () => Promise.resolve({ env: { NODE_CLUSTER: "1" }, origin: "each test forks its own" }),
};

/** Needs no broker: its nodes find each other in a folder. */
const ZEROMQ: Requirement = {
  name: "zeromq",
  variable: "ZEROMQ_FOLDER",
  neededBy: (file) => file.startsWith("tests/adapters/zeromq/"),
  usedBy: (file) => ON_EVERY_ADAPTER.some((start) => file.startsWith(start)),
  async provide() {
    const given = Deno.env.get("ZEROMQ_FOLDER"); // the caller keeps this folder
    const folder = given || await Deno.makeTempDir({ prefix: "tl-" });
    return {
      env: { ZEROMQ_FOLDER: folder },
      origin: `its nodes find each other in ${folder}`,
      ...given ? {} : { stop: () => Deno.remove(folder, { recursive: true }) },
    };
  },
};

/** Nodes of libp2p need no server. This relay helps the nodes of tests to find each other. */
const LIBP2P_RELAY: Requirement = {
  name: "libp2p relay",
  variable: "LIBP2P_RELAY",
  neededBy: (file) => file.startsWith("tests/adapters/libp2p/"),
  usedBy: (file) => ON_EVERY_ADAPTER.some((start) => file.startsWith(start)),
  async provide() {
    const { url, stop } = await startLibp2pRelay();
    return { env: { LIBP2P_RELAY: url }, origin: `started on ${url}`, stop };
  },
};

/** The programs first, because the brokers need them. */
export const BROKERS: readonly Requirement[] = [
  NODE_CLUSTER,
  ZEROMQ,
  LIBP2P_RELAY,
  serverProgram({
    name: "redis-server",
    package: { name: "redis-server", megabytes: 10 },
    variable: "REDIS_SERVER",
    neededBy: [
      "tests/brokers/redis",
      "tests/browser/broker",
      "tests/tools/run_with_brokers",
      "tests/torture/redis",
    ],
    usedBy: ["tests/adapters/redis/", "tests/adapters/redis_cluster/", "tests/examples/history"],
  }),
  serverProgram({
    name: "nats-server",
    package: { name: "nats-server", megabytes: 10 },
    variable: "NATS_SERVER",
    neededBy: ["tests/brokers/nats"],
    usedBy: ["tests/adapters/nats/"],
  }),
  serverProgram({
    name: "rabbitmq-server",
    package: { name: "rabbitmq-server", megabytes: 85 },
    variable: "RABBITMQ_SERVER",
    neededBy: [],
    usedBy: ["tests/adapters/rabbitmq/"],
  }),
  serverProgram({
    name: "postgres",
    package: { name: "postgresql", megabytes: 310 },
    variable: "POSTGRES_SERVER",
    neededBy: ["tests/brokers/postgres"],
    usedBy: ["tests/adapters/postgres/"],
    find: findPostgres,
  }),
  sharedBroker({
    name: "redis",
    variable: "REDIS_URL",
    folder: "tests/adapters/redis/",
    server: "redis-server",
    start: (program) => startRedis({ program }),
  }),
  sharedBroker({
    name: "redis-cluster",
    variable: "REDIS_CLUSTER_URL",
    folder: "tests/adapters/redis_cluster/",
    server: "redis-server",
    start: (program) => startRedisCluster({ program }),
  }),
  sharedBroker({
    name: "nats",
    variable: "NATS_URL",
    folder: "tests/adapters/nats/",
    server: "nats-server",
    start: (program) => startNats({ program }),
  }),
  sharedBroker({
    name: "rabbitmq",
    variable: "RABBITMQ_URL",
    folder: "tests/adapters/rabbitmq/",
    server: "rabbitmq-server",
    start: (program) => startRabbitMq({ program }),
  }),
  sharedBroker({
    name: "postgresql",
    variable: "POSTGRES_URL",
    folder: "tests/adapters/postgres/",
    server: "postgres",
    start: (program) => startPostgres({ program }),
  }),
];
