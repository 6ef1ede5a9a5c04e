/**
 * The adapters that the demo can run on: one entry each.
 *
 * @module
 */

import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { createBroadcastChannelAdapter } from "@trunkline/hub/adapters/broadcast-channel";
import { createLibp2pAdapter } from "@trunkline/hub/adapters/libp2p";
import { createNatsAdapter } from "@trunkline/hub/adapters/nats";
import { createPostgresAdapter } from "@trunkline/hub/adapters/postgres";
import { createRabbitMqAdapter } from "@trunkline/hub/adapters/rabbitmq";
import { createRedisAdapter } from "@trunkline/hub/adapters/redis";
import { createRedisClusterAdapter } from "@trunkline/hub/adapters/redis-cluster";
import { createZeroMqAdapter } from "@trunkline/hub/adapters/zeromq";
import { tmpdir } from "node:os";
import process from "node:process";

/** How the demo's nodes reach each other. */
export interface AdapterChoice {
  /** Whether each node runs in a worker of its own, which can be killed; else all run in the main thread. */
  readonly workers: boolean;
  /**
   * Called once in every thread that runs nodes.
   *
   * @param prefix Keeps demos on one backplane apart.
   * @returns What makes a node's adapter.
   */
  prepare(prefix: string): () => Adapter;
}

export const ADAPTERS: Readonly<Record<string, AdapterChoice>> = {
  "broadcast-channel": {
    workers: true,
    prepare: (prefix) => () => createBroadcastChannelAdapter({ prefix }),
  },
  memory: {
    workers: false,
    prepare(prefix) {
      const bus = createMemoryBus();
      return () => createMemoryAdapter({ bus, prefix });
    },
  },
  redis: {
    workers: true,
    prepare(prefix) {
      const url = process.env.REDIS_URL ?? "redis://127.0.0.1:6379";
      return () => createRedisAdapter({ url, prefix });
    },
  },
  "redis-cluster": {
    workers: true,
    prepare(prefix) {
      const nodes = process.env.REDIS_CLUSTER_URL ?? "redis://127.0.0.1:7000";
      return () => createRedisClusterAdapter({ nodes, prefix });
    },
  },
  nats: {
    workers: true,
    prepare(prefix) {
      const servers = process.env.NATS_URL ?? "nats://127.0.0.1:4222";
      return () => createNatsAdapter({ servers, prefix });
    },
  },
  libp2p: {
    workers: true,
    // Nothing leaves this machine but the questions of who is there.
    prepare: (prefix) => () =>
      createLibp2pAdapter({
        prefix,
        allow: "anybody",
        listen: ["/ip4/127.0.0.1/tcp/0"],
        discovery: { mdns: true },
      }),
  },
  zeromq: {
    workers: false, // so that each node knows where the next one will be
    prepare(prefix) {
      const address = (n: number) => `ipc://${tmpdir()}/trunkline-${prefix.slice(-12)}-${n}`;
      const peers = Array.from({ length: 9 }, (_, n) => address(n));
      let count = 0;
      return () => createZeroMqAdapter({ bind: address(count++), peers, prefix });
    },
  },
  postgres: {
    workers: true,
    prepare(prefix) {
      const url = process.env.POSTGRES_URL ?? "postgres://127.0.0.1:5432/postgres";
      return () => createPostgresAdapter({ url, prefix });
    },
  },
  rabbitmq: {
    workers: true,
    prepare(prefix) {
      const url = process.env.RABBITMQ_URL ?? "amqp://127.0.0.1:5672";
      return () => createRabbitMqAdapter({ url, prefix });
    },
  },
};

export const DEFAULT_ADAPTER = "broadcast-channel";
