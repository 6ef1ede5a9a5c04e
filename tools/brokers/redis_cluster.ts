/**
 * A test's own Redis Clusters.
 *
 * @module
 */

import { freePort, PortTakenError } from "./ports.ts";
import type { Broker } from "./program.ts";
import { startRedis } from "./redis.ts";
import { redisCommand } from "./sockets.ts";
import { until } from "./until.ts";

/** Options of {@linkcode startRedisCluster}. */
export interface RedisClusterOptions {
  /**
   * The number of masters; a cluster has at least 3.
   *
   * @default {3}
   */
  readonly masters?: number;
  /**
   * The number of replicas of each master.
   *
   * @default {0}
   */
  readonly replicas?: number;
  /**
   * The time after which a silent node counts as failing, in milliseconds. A failover takes about twice as long.
   *
   * @default {2_000}
   */
  readonly nodeTimeoutMs?: number;
  /** More arguments of `redis-server`, for each node. */
  readonly args?: readonly string[];
  /** The path of `redis-server`; by default that in `REDIS_SERVER`, or the one on the PATH. */
  readonly program?: string;
}

/** One node of a Redis Cluster. */
export interface RedisClusterNode extends Broker {
  /** Its id in the cluster. */
  readonly id: string;
}

/** A Redis Cluster. */
export interface RedisCluster extends AsyncDisposable {
  /** The nodes: the masters first, then the replicas. Roles change with failovers. */
  readonly nodes: readonly RedisClusterNode[];
  /** All nodes' addresses, separated by commas. */
  readonly url: string;
  /**
   * Waits until the running nodes serve all slots, and agree on this. After a kill of a master this is when one of its replicas is
   * a master. After a start it is when that node is part of the cluster again.
   */
  waitUntilStable(): Promise<void>;
  /** The master that serves a slot, in the view of the other running nodes. */
  masterOf(slot: number): Promise<RedisClusterNode>;
  /** The slot of a key or of a channel of sharded pub/sub. */
  slotOf(key: string): Promise<number>;
  /** Moves a slot with its keys to another master, while clients go on. */
  migrateSlot(slot: number, to: RedisClusterNode): Promise<void>;
  /** Ends all nodes and removes their folders. */
  stop(): Promise<void>;
}

const SLOTS = 16_384;
const MAX_TRIES = 10;

/**
 * Starts a Redis Cluster.
 *
 * @param options The options.
 * @returns The cluster, when it serves all slots.
 */
export async function startRedisCluster(options: RedisClusterOptions = {}): Promise<RedisCluster> {
  const { masters = 3, replicas = 0 } = options;
  const started = await Promise.allSettled(
    Array.from({ length: masters * (1 + replicas) }, () => startNode(options)),
  );
  const brokers = started.flatMap((one) => one.status === "fulfilled" ? [one.value] : []);
  try {
    const failed = started.find((one) => one.status === "rejected");
    if (failed) throw failed.reason;
    const nodes = await Promise.all(brokers.map(toNode));
    await join(nodes, masters);
    const cluster = new Cluster(nodes);
    await cluster.waitUntilStable();
    return cluster;
  } catch (error) {
    await Promise.all(brokers.map((broker) => broker.stop()));
    throw error;
  }
}

/** A node, and the port for the other nodes. */
interface StartedNode extends Broker {
  readonly busPort: number;
}

async function startNode(
  { nodeTimeoutMs = 2_000, args = [], program }: RedisClusterOptions,
): Promise<StartedNode> {
  for (let tries = 1;; tries++) {
    const [port, busPort] = [await freePort(), await freePort()];
    const own = [
      ...["--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf"],
      ...["--cluster-announce-ip", "127.0.0.1", "--cluster-port", String(busPort)],
      ...["--cluster-node-timeout", String(nodeTimeoutMs)],
      // A replica always takes over, even after a long time without its master, and does not wait for other replicas.
      ...["--cluster-replica-validity-factor", "0", "--repl-diskless-sync-delay", "0"],
    ];
    try {
      const broker = await startRedis({ port, program, args: [...own, ...args] });
      return Object.defineProperties(broker, { busPort: { value: busPort } }) as StartedNode;
    } catch (error) {
      if (!(error instanceof PortTakenError) || tries === MAX_TRIES) throw error;
    }
  }
}

async function toNode(broker: StartedNode): Promise<RedisClusterNode & StartedNode> {
  const id = String(await redisCommand(broker.port, "CLUSTER", "MYID"));
  return Object.defineProperties(broker, { id: { value: id } }) as RedisClusterNode & StartedNode;
}

/** Joins new nodes to one cluster. */
async function join(nodes: readonly (RedisClusterNode & StartedNode)[], masters: number): Promise<void> {
  const [first, ...others] = nodes;
  for (const [i, { port }] of nodes.entries()) {
    // Each master gets its own epoch: otherwise masters with equal epochs would first have to resolve this conflict.
    await redisCommand(port, "CLUSTER", "SET-CONFIG-EPOCH", String(i + 1));
    if (i >= masters) continue;
    const [from, to] = [i, i + 1].map((n) => Math.floor(n * SLOTS / masters));
    await redisCommand(port, "CLUSTER", "ADDSLOTSRANGE", String(from), String(to! - 1));
  }
  for (const { port, busPort } of others) {
    await redisCommand(first!.port, "CLUSTER", "MEET", "127.0.0.1", String(port), String(busPort));
  }
  for (const [i, { port }] of nodes.entries()) {
    await until(async () => {
      const view = await viewOf(port);
      return view.length === nodes.length && view.every(({ flags }) => !flags.includes("handshake"));
    }, "the nodes of Redis Cluster to know each other");
    if (i >= masters) await redisCommand(port, "CLUSTER", "REPLICATE", nodes[i % masters]!.id);
  }
}

/** A node, in the view of a node of its cluster. */
interface Seen {
  readonly id: string;
  readonly flags: readonly string[];
  /** How new its claim to its slots is: of two claims the newer one wins. */
  readonly epoch: string;
  /** Its slots: the first and the last one of each range. */
  readonly slots: readonly (readonly [number, number])[];
}

/** The cluster, in the view of one of its nodes. */
async function viewOf(port: number): Promise<Seen[]> {
  const lines = String(await redisCommand(port, "CLUSTER", "NODES")).trim().split("\n");
  return lines.map((line) => {
    const [id, , flags, , , , epoch, , ...ranges] = line.trim().split(" ");
    return {
      id: id!,
      flags: flags!.split(","),
      epoch: epoch!,
      // "[93-<-id]" is a slot that is moving.
      slots: ranges.filter((range) => !range.startsWith("[")).map((range) => {
        const [first, last = first] = range.split("-").map(Number);
        return [first!, last!] as const;
      }),
    };
  });
}

class Cluster implements RedisCluster {
  readonly nodes: readonly RedisClusterNode[];

  constructor(nodes: readonly RedisClusterNode[]) {
    this.nodes = nodes;
  }

  get url(): string {
    return this.nodes.map(({ url }) => url).join();
  }

  get #running(): RedisClusterNode[] {
    return this.nodes.filter(({ running }) => running);
  }

  async waitUntilStable(): Promise<void> {
    await until(() => this.#isStable(), "Redis Cluster to be stable");
  }

  async #isStable(): Promise<boolean> {
    const running = new Set(this.#running.map(({ id }) => id));
    const tables = new Set<string>();
    for (const { port } of this.#running) {
      const info = String(await redisCommand(port, "CLUSTER", "INFO"));
      if (!info.includes("cluster_state:ok")) return false;
      const replication = String(await redisCommand(port, "INFO", "replication"));
      if (replication.includes("master_link_status:down")) return false;
      const view = (await viewOf(port)).filter(({ id }) => running.has(id));
      if (view.length < running.size) return false;
      if (view.some(({ flags }) => flags.some((flag) => /^(fail\??|handshake|noaddr)$/.test(flag)))) {
        return false;
      }
      const served = view.flatMap(({ slots }) => slots).reduce((sum, [from, to]) => sum + to - from + 1, 0);
      if (served !== SLOTS) return false;
      // A node that does not know the newest epoch would take the same one for its next claim.
      const table = view.map(({ id, epoch, slots }) =>
        slots.length > 0 ? `${id} ${epoch} ${slots.join(" ")}` : id
      );
      tables.add(table.sort().join("\n"));
    }
    return tables.size === 1;
  }

  async masterOf(slot: number): Promise<RedisClusterNode> {
    for (const { port } of this.#running) {
      const owner = (await viewOf(port)).find(({ slots }) =>
        slots.some(([from, to]) => from <= slot && slot <= to)
      );
      const node = this.nodes.find(({ id }) => id === owner?.id);
      if (node) return node;
    }
    throw new Error(`Cannot find the master of slot ${slot}: no node serves it`);
  }

  async slotOf(key: string): Promise<number> {
    return Number(await redisCommand(this.#running[0]!.port, "CLUSTER", "KEYSLOT", key));
  }

  async migrateSlot(slot: number, to: RedisClusterNode): Promise<void> {
    const from = await this.masterOf(slot);
    if (from === to) return;
    const set = (node: Broker, ...how: string[]) =>
      redisCommand(node.port, "CLUSTER", "SETSLOT", String(slot), ...how);
    await set(to, "IMPORTING", from.id);
    await set(from, "MIGRATING", to.id);
    for (;;) {
      const keys = await redisCommand(from.port, "CLUSTER", "GETKEYSINSLOT", String(slot), "100") as string[];
      if (keys.length === 0) break;
      await redisCommand(from.port, "MIGRATE", to.host, String(to.port), "", "0", "5000", "KEYS", ...keys);
    }
    // The new owner first: until it knows, no client may be redirected to it.
    await set(to, "NODE", to.id);
    await set(from, "NODE", to.id);
    await this.waitUntilStable();
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.stop()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }
}
