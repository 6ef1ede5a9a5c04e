/**
 * The brokers of a run: one of each kind, on the load client's processor. All candidates use them in turn.
 *
 * @module
 */

import { relayNodeCluster } from "@trunkline/hub/adapters/node-cluster";
import type { ChildProcess } from "node:child_process";
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { startLibp2pRelay } from "../../tools/brokers/libp2p_relay.ts";
import { startNats } from "../../tools/brokers/nats.ts";
import { findPostgres, startPostgres } from "../../tools/brokers/postgres.ts";
import { findServer } from "../../tools/brokers/program.ts";
import { findRabbitMq, startRabbitMq } from "../../tools/brokers/rabbitmq.ts";
import { startRedisCluster } from "../../tools/brokers/redis_cluster.ts";
import { startRedis } from "../../tools/brokers/redis.ts";
import { startZeroMqProxy } from "../../tools/brokers/zeromq.ts";
import { canPin } from "../runtimes.ts";
import type { BrokerName } from "./candidates.ts";

/** A running broker. */
export interface RunningBroker {
  readonly url: string;
  /** The ports of its Redis servers. */
  readonly redisPorts: readonly number[];
  /** Adds a node, if nodes reach this broker by the pipe that they were started with. */
  join?(node: ChildProcess): void;
  stop(): Promise<void>;
}

/** The available brokers, and the reasons why others are not available. */
export interface Brokers {
  readonly running: Readonly<Partial<Record<BrokerName, RunningBroker>>>;
  readonly missing: readonly string[];
  stop(): Promise<void>;
}

/** Options of the start. */
export interface BrokersOptions {
  /**
   * Whether PostgreSQL waits for its disk, as it does by default outside tests. If it keeps histories, this wait is their
   * main cost.
   *
   * @default {false}
   */
  readonly durable?: boolean;
}

/** How to start a broker. */
interface Starter {
  readonly server: string;
  /** Finds its program, if it is not the one on the PATH. */
  find?(): string | undefined;
  start(program: string, options: BrokersOptions): Promise<RunningBroker>;
}

/** How to start each broker, by the program of its server. */
const STARTERS: Readonly<Record<BrokerName, Starter>> = {
  "redis": {
    server: "redis-server",
    async start(program) {
      const broker = await startRedis({ program });
      return { url: broker.url, redisPorts: [broker.port], stop: () => broker.stop() };
    },
  },
  "redis-cluster": {
    server: "redis-server",
    async start(program) {
      const cluster = await startRedisCluster({ program });
      return {
        url: cluster.url,
        redisPorts: cluster.nodes.map(({ port }) => port),
        stop: () => cluster.stop(),
      };
    },
  },
  "nats": {
    server: "nats-server",
    async start(program) {
      // With JetStream, which keeps its files in the server's own folder. It does not slow down nodes that do not use it.
      const broker = await startNats({ program, args: ["--jetstream", "--store_dir", "./jetstream"] });
      return { url: broker.url, redisPorts: [], stop: () => broker.stop() };
    },
  },
  "node-cluster": {
    server: "relay",
    find: () => "relay", // it is in this process
    start() {
      const relay = relayNodeCluster();
      return Promise.resolve({
        url: "",
        redisPorts: [],
        join: (node: ChildProcess) => relay.add(node),
        stop: () => Promise.resolve(relay.close()),
      });
    },
  },
  // There is no broker, only a relay that introduces nodes to each other.
  "libp2p": {
    server: "relay",
    find: () => "relay", // it is in this process
    async start() {
      const { url, stop } = await startLibp2pRelay();
      return { url, redisPorts: [], stop };
    },
  },
  "rabbitmq": {
    server: "rabbitmq-server",
    find: findRabbitMq,
    async start(program) {
      const broker = await startRabbitMq({ program });
      return { url: broker.url, redisPorts: [], stop: () => broker.stop() };
    },
  },
  // There is no broker, only a folder in which nodes find each other.
  "zeromq": {
    server: "deno",
    find: () => process.execPath,
    async start() {
      const folder = await mkdtemp(join(tmpdir(), "tl-"));
      return { url: folder, redisPorts: [], stop: () => rm(folder, { recursive: true, force: true }) };
    },
  },
  "zeromq-proxy": {
    server: "deno",
    find: () => process.execPath,
    async start(program) {
      const broker = await startZeroMqProxy({ program });
      return { url: broker.url, redisPorts: [], stop: () => broker.stop() };
    },
  },
  "postgres": {
    server: "postgres",
    find: findPostgres,
    async start(program, { durable }) {
      const settings = { fsync: "on", full_page_writes: "on" };
      const broker = await startPostgres({ program, ...(durable && { settings }) });
      return { url: broker.url, redisPorts: [], stop: () => broker.stop() };
    },
  },
};

/**
 * Starts brokers.
 *
 * @param names The brokers.
 * @param options The options.
 */
export async function startBrokers(
  names: Iterable<BrokerName>,
  options: BrokersOptions = {},
): Promise<Brokers> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-bench-"));
  const running: Partial<Record<BrokerName, RunningBroker>> = {};
  const missing: string[] = [];
  const stop = async () => {
    await Promise.all(Object.values(running).map((broker) => broker.stop()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    for (const name of names) {
      const { server, find, start } = STARTERS[name];
      const program = find ? find() : findServer(server, server.toUpperCase().replace("-", "_"));
      if (program) {
        running[name] = await start(await canPin() ? await pinned(folder, program) : program, options);
      } else missing.push(`${name}, as there is no ${server}`);
    }
    return { running, missing, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** A program that runs another program on the second processor. */
async function pinned(folder: string, program: string): Promise<string> {
  const script = join(folder, program.replaceAll("/", "_"));
  await writeFile(script, `#!/bin/sh\nexec taskset -c 1 '${program}' "$@"\n`);
  // Some servers run as another user.
  await chmod(folder, 0o711);
  await chmod(script, 0o755);
  return script;
}
