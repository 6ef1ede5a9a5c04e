/**
 * The adapters that the demo can run on: one entry each.
 *
 * @module
 */

import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { createBroadcastChannelAdapter } from "@trunkline/hub/adapters/broadcast-channel";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";

/** How the demo's nodes reach each other. */
export interface AdapterChoice {
  /** Whether each node runs in its own worker, which can be killed. Otherwise all run in the main thread. */
  readonly workers: boolean;
  /** Whether its nodes need no broker. */
  readonly brokerless?: true;
  /**
   * Called once in every thread that runs nodes.
   *
   * @param prefix Separates demos that use the same backplane.
   * @returns A function that creates the adapter of the node with a number.
   */
  prepare(prefix: string): Promise<(number: number) => Adapter>;
  /** Called when all nodes have ended: removes what they leave behind on this machine. */
  tidy?(prefix: string): Promise<void>;
}

/** The exports of each adapter's module, by the name of the adapter. */
interface Modules {
  "redis": typeof import("@trunkline/hub/adapters/redis");
  "redis-cluster": typeof import("@trunkline/hub/adapters/redis-cluster");
  "nats": typeof import("@trunkline/hub/adapters/nats");
  "libp2p": typeof import("@trunkline/hub/adapters/libp2p");
  "zeromq": typeof import("@trunkline/hub/adapters/zeromq");
  "postgres": typeof import("@trunkline/hub/adapters/postgres");
  "rabbitmq": typeof import("@trunkline/hub/adapters/rabbitmq");
}

/**
 * Imports the module of the chosen adapter. The specifier is joined at run time. Deno fetches the packages of all modules with
 * a literal specifier before it runs any code, and most demos do not need these packages.
 */
const load = <K extends keyof Modules>(name: K): Promise<Modules[K]> =>
  import(["@trunkline/hub/adapters", name].join("/"));

/** The sockets of the nodes on ZeroMQ, node 1 first. There may be so many nodes. */
const socketsOf = (prefix: string): string[] =>
  Array.from({ length: 9 }, (_, n) => join(tmpdir(), `trunkline-${prefix}-${n}`));

export const ADAPTERS: Readonly<Record<string, AdapterChoice>> = {
  "broadcast-channel": {
    workers: true,
    brokerless: true,
    prepare: (prefix) => Promise.resolve(() => createBroadcastChannelAdapter({ prefix })),
  },
  memory: {
    workers: false,
    brokerless: true,
    prepare(prefix) {
      const bus = createMemoryBus();
      return Promise.resolve(() => createMemoryAdapter({ bus, prefix }));
    },
  },
  redis: {
    workers: true,
    async prepare(prefix) {
      const { createRedisAdapter } = await load("redis");
      const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
      return () => createRedisAdapter({ url, prefix });
    },
  },
  "redis-cluster": {
    workers: true,
    async prepare(prefix) {
      const { createRedisClusterAdapter } = await load("redis-cluster");
      const nodes = process.env.REDIS_CLUSTER_URL ?? "redis://127.0.0.1:7000";
      return () => createRedisClusterAdapter({ nodes, prefix });
    },
  },
  nats: {
    workers: true,
    async prepare(prefix) {
      const { createNatsAdapter } = await load("nats");
      const servers = process.env.NATS_URL ?? "nats://127.0.0.1:4222";
      return () => createNatsAdapter({ servers, prefix });
    },
  },
  libp2p: {
    workers: true,
    brokerless: true,
    // Only the mDNS queries for other nodes leave this machine.
    async prepare(prefix) {
      const { createLibp2pAdapter } = await load("libp2p");
      const listen = ["/ip4/127.0.0.1/tcp/0"];
      return () => createLibp2pAdapter({ prefix, allow: "anybody", listen, discovery: { mdns: true } });
    },
  },
  zeromq: {
    workers: false, // in one thread, each node knows the addresses of the others
    brokerless: true,
    async prepare(prefix) {
      const { createZeroMqAdapter } = await load("zeromq");
      const peers = socketsOf(prefix).map((path) => `ipc://${path}`);
      return (number) => createZeroMqAdapter({ bind: peers[number - 1]!, peers, prefix });
    },
    // ZeroMQ leaves its sockets in the file system.
    async tidy(prefix) {
      await Promise.all(socketsOf(prefix).map((path) => rm(path, { force: true })));
    },
  },
  postgres: {
    workers: true,
    async prepare(prefix) {
      const { createPostgresAdapter } = await load("postgres");
      const url = process.env.POSTGRES_URL ?? "postgres://127.0.0.1:5432/postgres";
      return () => createPostgresAdapter({ url, prefix });
    },
  },
  rabbitmq: {
    workers: true,
    async prepare(prefix) {
      const { createRabbitMqAdapter } = await load("rabbitmq");
      const url = process.env.RABBITMQ_URL ?? "amqp://127.0.0.1:5672";
      return () => createRabbitMqAdapter({ url, prefix });
    },
  },
};

export const DEFAULT_ADAPTER = "broadcast-channel";
