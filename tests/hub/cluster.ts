/**
 * Clusters over every adapter: those that need no broker, and those whose broker the environment names. Another adapter is
 * one more entry of `ADAPTERS`, or of `ON_BROKERS`.
 *
 * @module
 */

import {
  type ContractDefinition,
  createMemoryAdapter,
  createMemoryBus,
  type Hub,
  type HubOptions,
} from "@trunkline/hub";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import type { IpcChannel } from "@trunkline/hub/adapters/node-cluster";
import { createBroadcastChannelAdapter } from "@trunkline/hub/adapters/broadcast-channel";
import process from "node:process";
import { runtime, test, type TestOptions, waitFor } from "../harness.ts";
import { type ChatDefinition, createNode, type Node } from "./chat.ts";
import { Tap } from "./tap.ts";

/**
 * What nodes of one cluster have in common: each call makes the adapter of one more node. Nodes of another application are on the
 * same backplane and in another cluster.
 */
export type Backbone = (application?: string) => Adapter;

/**
 * In what order a connection hears what one publisher sends: as it was sent, or so on each channel, as channels take different
 * ways. Then what is sent to several rooms keeps the order of one of those that a connection is in.
 */
export type Order = "across channels" | "by channel";

/** An adapter that needs a broker. */
interface OnBroker {
  readonly name: string;
  /** Which variable holds the broker's address, when there is one: `deno task test` sees to it. */
  readonly variable: string;
  /** @default {"across channels"} */
  readonly order?: Order;
  /** The titles of the tests that run on it, where all would take too long. */
  readonly only?: RegExp;
  /** Resources that its library keeps open after its first use in a process. */
  readonly leaves?: string;
  /**
   * Loads the adapter, which without a broker is in vain.
   *
   * @returns What makes an adapter for one more node of the cluster that the prefix stands for.
   */
  load(): Promise<(url: string, prefix: string) => Adapter>;
}

/** The adapters that need a broker. */
const ON_BROKERS: readonly OnBroker[] = [
  {
    name: "redis",
    variable: "REDIS_URL",
    async load() {
      const { createRedisAdapter } = await import("@trunkline/hub/adapters/redis");
      return (url, prefix) => createRedisAdapter({ url, prefix });
    },
  },
  {
    name: "redis-cluster",
    variable: "REDIS_CLUSTER_URL",
    order: "by channel",
    async load() {
      const { createRedisClusterAdapter } = await import("@trunkline/hub/adapters/redis-cluster");
      return (nodes, prefix) => createRedisClusterAdapter({ nodes, prefix });
    },
  },
  {
    name: "nats",
    variable: "NATS_URL",
    async load() {
      const { createNatsAdapter } = await import("@trunkline/hub/adapters/nats");
      return (servers, prefix) => createNatsAdapter({ servers, prefix });
    },
  },
  {
    name: "node-cluster",
    variable: "NODE_CLUSTER",
    async load() {
      const { createNodeClusterAdapter } = await import("@trunkline/hub/adapters/node-cluster");
      const { startRelayProcess } = await import("../../tools/brokers/node_cluster.ts");
      const { child: channel } = await startRelayProcess(); // ends with this process
      return (_, prefix) => createNodeClusterAdapter({ channel: channel as IpcChannel, prefix });
    },
  },
  {
    name: "postgres",
    variable: "POSTGRES_URL",
    async load() {
      const { createPostgresAdapter } = await import("@trunkline/hub/adapters/postgres");
      return (url, prefix) => createPostgresAdapter({ url, prefix });
    },
  },
  {
    name: "rabbitmq",
    variable: "RABBITMQ_URL",
    order: "by channel",
    async load() {
      const { createRabbitMqAdapter } = await import("@trunkline/hub/adapters/rabbitmq");
      return (url, prefix) => createRabbitMqAdapter({ url, prefix });
    },
  },
  // Its library does not run on Bun.
  ...(runtime === "bun" ? [] : [{
    name: "zeromq",
    variable: "ZEROMQ_FOLDER",
    async load() {
      return (await import("../adapters/zeromq/ipc.ts")).createIpcAdapter;
    },
  }]),
  {
    name: "libp2p",
    variable: "LIBP2P_RELAY",
    only:
      /^promise (2: one copy|3: (one|broadcasts)|5: when|6: what any|10:|12: a node)|^cluster: nodes\(\)|^presence: (the first|whoever)/,
    leaves: "a BroadcastChannel",
    async load() {
      const { createLibp2pAdapter } = await import("@trunkline/hub/adapters/libp2p");
      return (relay, prefix) =>
        createLibp2pAdapter({
          prefix,
          allow: "anybody",
          listen: ["/ip4/127.0.0.1/tcp/0"],
          discovery: { relays: [relay] },
        });
    },
  },
];

/** Functions that create the adapters whose broker is available. */
const CREATORS = new Map<string, (url: string, prefix: string) => Adapter>();

/** The adapters, by name. Each entry creates a backbone of its own. */
export const ADAPTERS: Readonly<Record<string, () => Backbone>> = {
  "memory": () => {
    const bus = createMemoryBus();
    return (application) => createMemoryAdapter({ bus, prefix: application });
  },
  "broadcast-channel": () => {
    const prefix = crypto.randomUUID();
    return (application = "") => createBroadcastChannelAdapter({ prefix: prefix + application });
  },
  ...await onBrokers(({ only }) => !only),
};

/** The adapters on which only some tests run. */
const ON_SOME = await onBrokers(({ only }) => only !== undefined);

/** The entries whose broker is there. What is not there is told once, by `deno task test`. */
async function onBrokers(picks: (broker: OnBroker) => boolean): Promise<Record<string, () => Backbone>> {
  const entries: Record<string, () => Backbone> = {};
  for (const { name, variable, load } of ON_BROKERS.filter(picks)) {
    const url = process.env[variable];
    if (!url) continue;
    const create = await load();
    CREATORS.set(name, create);
    entries[name] = () => {
      const prefix = crypto.randomUUID();
      return (application = "") => create(url, prefix + application);
    };
  }
  return entries;
}

/**
 * How to reach an adapter's backplane from another process or worker.
 *
 * @returns `url` is empty for the adapter that needs no broker; `create` makes an adapter for one more node of the cluster
 * that the prefix stands for.
 */
export function brokerOf(adapter: string): { readonly url: string; create(prefix: string): Adapter } {
  const create = CREATORS.get(adapter);
  const { variable } = ON_BROKERS.find(({ name }) => name === adapter) ?? {};
  const url = (variable && process.env[variable]) ?? "";
  if (create) return { url, create: (prefix) => create(url, prefix) };
  return { url, create: (prefix) => createBroadcastChannelAdapter({ prefix }) };
}

/** The order that an adapter keeps. */
export function orderOf(adapter: string): Order {
  return ON_BROKERS.find(({ name }) => name === adapter)?.order ?? "across channels";
}

export type NodeOptions = Partial<HubOptions<ChatDefinition, { id: string } | undefined, undefined>>;

/** How long a backplane may take on a busy machine. */
const PATIENCE_MS = 30_000;

/** A node whose backplane is tapped. */
export interface TappedNode extends Node {
  readonly tap: Tap;
}

/** The tap between a node and its backplane. */
export interface TapOptions {
  /** The most that it carries at once. */
  readonly maxMessageBytes?: number;
  /** Whether there is no backplane until the tap is healed. */
  readonly lost?: boolean;
}

/** Nodes of one cluster that know each other. */
export interface Cluster extends AsyncDisposable {
  readonly nodes: TappedNode[];
  /** Starts one more node. */
  add(options?: NodeOptions & TapOptions): Promise<TappedNode>;
}

/** Starts nodes of one cluster, and waits until they know each other. */
export async function startCluster(
  backbone: Backbone,
  count: number,
  options: NodeOptions = {},
): Promise<Cluster> {
  const nodes: TappedNode[] = [];
  const cluster: Cluster = {
    nodes,
    async add({ maxMessageBytes, lost, ...own } = {}) {
      const tap = new Tap(backbone(), { maxMessageBytes });
      if (lost) tap.lose();
      const given = { ...options, ...own, adapter: tap };
      if (!given.clock) given.backplaneTimeoutMs ??= PATIENCE_MS;
      // Nobody is there to answer the first one, and a clock of a test may stand still.
      if (nodes.length === 0) given.cluster = { ...given.cluster, joinTimeoutMs: 0 };
      const node = Object.assign(await createNode(undefined, given), { tap });
      nodes.push(node);
      return node;
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes) await node[Symbol.asyncDispose]();
    },
  };
  try {
    for (let i = 0; i < count; i++) await cluster.add();
    await acquainted(nodes.map(({ hub }) => hub));
    return cluster;
  } catch (error) {
    await cluster[Symbol.asyncDispose]();
    throw error;
  }
}

/** The nodes that a hub knows of, but for those that are down. */
export function reachable<D extends ContractDefinition>(hub: Hub<D>): string[] {
  return hub.cluster.nodes().filter(({ state }) => state !== "down").map(({ id }) => id).sort();
}

/** Waits until all hubs reach each other, and no other hub. */
export async function acquainted<D extends ContractDefinition>(
  hubs: readonly Hub<D>[],
  options: { readonly timeoutMs?: number } = {},
): Promise<void> {
  const ids = hubs.map(({ nodeId }) => nodeId).sort().join();
  for (const hub of hubs) {
    await waitFor(() => reachable(hub).join() === ids, { ...options, what: "all nodes to know each other" });
  }
}

/** Registers a test for each adapter, which makes its own nodes. */
export function testOnBackbones(
  title: string,
  fn: (backbone: Backbone) => Promise<void>,
  options?: TestOptions,
): void {
  for (const [name, createBackbone] of Object.entries({ ...ADAPTERS, ...ON_SOME })) {
    const { only, leaves } = ON_BROKERS.find((broker) => broker.name === name) ?? {};
    if (only && !only.test(title)) continue;
    test(`${title} [${name}]`, () => fn(createBackbone()), { ...options, leaves });
  }
}

/** Registers a test for each adapter. */
export function testOnAdapters(
  title: string,
  fn: (start: (count: number, options?: NodeOptions) => Promise<Cluster>) => Promise<void>,
  options?: TestOptions,
): void {
  testOnBackbones(
    title,
    (backbone) => fn((count, options) => startCluster(backbone, count, options)),
    options,
  );
}

/** Waits until nothing is left on a hub: no connection, no subscription, nothing under way. */
export async function empty(...nodes: readonly { readonly hub: Node["hub"] }[]): Promise<void> {
  for (const { hub } of nodes) {
    const left = () =>
      JSON.stringify(Object.entries(hub.stats()).filter(([name, n]) => name !== "refused" && n !== 0));
    await waitFor(() => left() === "[]" || Promise.reject(new Error(left())), {
      what: "all counts to be zero",
    });
  }
}
