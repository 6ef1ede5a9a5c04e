/**
 * The adapter for one process: hubs that share a {@linkcode MemoryBus} form a cluster without a server to install.
 * Without a bus it is the adapter of a single hub, which is the hub's default.
 *
 * @module
 */

import { text } from "../contract/options/option_kinds.ts";
import { type Kind, optional, or, readOptions, type Rows, wrong } from "../contract/options/read_options.ts";
import type { Adapter, AdapterContext, AdapterData, AdapterWaitOptions } from "./adapter.ts";
import { orAborted } from "./kit/or_aborted.ts";

/**
 * A backplane inside one process, with a switch for each way in which a backplane fails. Put your application's hubs on
 * one bus and partition them in a unit test.
 *
 * @example Take the backplane away, and give it back
 * ```ts
 * import { createMemoryBus } from "@trunkline/hub/adapters/memory";
 * import { assertEquals } from "@std/assert";
 *
 * const bus = createMemoryBus();
 * bus.down();
 * assertEquals(bus.status, "down");
 * bus.up();
 * assertEquals(bus.status, "up");
 * ```
 */
export interface MemoryBus {
  /** Whether nodes can reach the bus. */
  readonly status: "up" | "down";
  /**
   * Takes the backplane away from every node. Every node gets the status `"down"`. Messages published now or under way
   * are lost, and reported with stage `"publish"`. `subscribe` waits.
   */
  down(): void;
  /** Ends {@linkcode MemoryBus.down}: every subscription is live again, and every node gets the status `"up"`. */
  up(): void;
  /**
   * Splits the network: these nodes reach only each other. As in a real split, the nodes get no notice. Each call makes
   * one island; nodes of an earlier island move to the new one.
   *
   * @param nodeIds Ids of nodes, also of nodes that have not opened yet.
   */
  isolate(...nodeIds: string[]): void;
  /**
   * Heals the split for these nodes: they reach all nodes that are on no island.
   *
   * @param nodeIds Ids of nodes; without any, all nodes come back.
   */
  rejoin(...nodeIds: string[]): void;
}

/** Options of {@linkcode createMemoryAdapter}. */
export interface MemoryAdapterOptions {
  /** The bus to share with the other hubs of this process. Without it the hub is alone. */
  readonly bus?: MemoryBus;
  /**
   * Keeps applications on one bus apart.
   *
   * @default {"trunkline"}
   */
  readonly prefix?: string;
}

/**
 * Creates a bus for {@linkcode createMemoryAdapter}. It holds nothing after the adapters on it are closed.
 *
 * @returns A bus that is up.
 */
export function createMemoryBus(): MemoryBus {
  return new Bus();
}

/**
 * Creates the adapter for hubs of one process. Messages arrive in a later microtask, never within `publish`.
 *
 * @example Two nodes on one bus
 * ```ts
 * import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub/adapters/memory";
 * import { assertEquals } from "@std/assert";
 *
 * const bus = createMemoryBus();
 * await using a = createMemoryAdapter({ bus });
 * await using b = createMemoryAdapter({ bus });
 *
 * const { promise, resolve } = Promise.withResolvers<unknown>();
 * const callbacks = { deliver: () => {}, onError: () => {}, onStatus: () => {}, onGap: () => {} };
 * await a.open({ nodeId: "a", ...callbacks });
 * await b.open({ nodeId: "b", ...callbacks, deliver: (channel, data, from) => resolve([channel, data, from]) });
 *
 * await b.subscribe("news");
 * a.publish("news", "hello");
 * assertEquals(await promise, ["news", "hello", "a"]);
 * ```
 *
 * @param options The bus to share, if any, and the prefix.
 * @throws {TypeError} If the bus does not come from {@linkcode createMemoryBus}.
 */
export function createMemoryAdapter(options?: MemoryAdapterOptions): Adapter {
  const { bus, prefix } = readOptions("createMemoryAdapter", options, OPTIONS);
  return new MemoryAdapter(bus, prefix);
}

const bus: Kind<Bus> = (value, place) => {
  if (value instanceof Bus) return value;
  throw wrong(value, place, "a bus that createMemoryBus() returned");
};

const OPTIONS = {
  bus: optional(bus),
  prefix: or(text, "trunkline"),
} satisfies Rows<MemoryAdapterOptions>;

/** What the bus needs of a node. */
interface Node {
  readonly nodeId: string;
  readonly prefix: string;
  readonly channels: ReadonlySet<string>;
  deliver(channel: string, data: AdapterData, from: string): void;
  lost(channel: string): void;
  statusChanged(status: "up" | "down"): void;
}

interface Message {
  readonly from: Node;
  readonly channel: string;
  readonly data: AdapterData;
}

class Bus implements MemoryBus {
  readonly #nodes = new Set<Node>();
  /** The island of a node. Nodes without an entry are on the mainland. */
  readonly #islands = new Map<string, symbol>();
  #queue: Message[] = [];
  #status: "up" | "down" = "up";

  get status(): "up" | "down" {
    return this.#status;
  }

  down(): void {
    this.#switch("down");
  }

  up(): void {
    this.#switch("up");
  }

  isolate(...nodeIds: string[]): void {
    const island = Symbol();
    for (const nodeId of nodeIds) this.#islands.set(nodeId, island);
  }

  rejoin(...nodeIds: string[]): void {
    if (nodeIds.length === 0) this.#islands.clear();
    for (const nodeId of nodeIds) this.#islands.delete(nodeId);
  }

  attach(node: Node): void {
    this.#nodes.add(node);
  }

  detach(node: Node): void {
    this.#nodes.delete(node);
  }

  publish(message: Message): void {
    if (this.#queue.length === 0) queueMicrotask(() => this.#drain());
    this.#queue.push(message);
  }

  count(channel: string, { nodeId, prefix }: Node): number {
    const island = this.#islands.get(nodeId);
    const reached = [...this.#nodes].filter((node) =>
      node.prefix === prefix && node.channels.has(channel) && this.#islands.get(node.nodeId) === island
    );
    return reached.length;
  }

  #switch(status: "up" | "down"): void {
    if (this.#status === status) return;
    this.#status = status;
    for (const node of [...this.#nodes]) node.statusChanged(status);
  }

  /** One queue for all, so that messages of one publisher never overtake each other. */
  #drain(): void {
    const queue = this.#queue;
    this.#queue = [];
    for (const message of queue) this.#carry(message);
  }

  #carry({ from, channel, data }: Message): void {
    if (this.#status === "down") return from.lost(channel);
    const island = this.#islands.get(from.nodeId);
    for (const node of this.#nodes) {
      if (node.nodeId === from.nodeId || node.prefix !== from.prefix || !node.channels.has(channel)) continue;
      if (this.#islands.get(node.nodeId) === island) node.deliver(channel, data, from.nodeId);
    }
  }
}

class MemoryAdapter implements Adapter {
  readonly name = "memory";
  readonly solitary: boolean;
  readonly #bus: Bus | undefined;
  readonly #prefix: string;
  readonly #channels = new Set<string>();
  /** Calls of `subscribe` that wait because the bus is down, by channel. */
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>();
  #context: AdapterContext | undefined;
  #node: Node | undefined;
  #closed = false;
  #opening: PromiseWithResolvers<void> | undefined;

  constructor(bus: Bus | undefined, prefix: string) {
    this.#bus = bus;
    this.#prefix = prefix;
    this.solitary = bus === undefined;
  }

  async open(context: AdapterContext, { signal }: AdapterWaitOptions = {}): Promise<void> {
    if (this.#closed) throw new Error("Cannot open a closed memory adapter");
    if (this.#context) throw new TypeError("Cannot open a memory adapter twice: create one for each hub");
    this.#context = context;
    this.#opening = Promise.withResolvers();
    this.#node = this.#createNode(context);
    this.#bus?.attach(this.#node);
    if (this.#bus?.status !== "down") this.#node.statusChanged("up");
    await orAborted(this.#opening.promise, signal).catch((error) => {
      void this.close(); // an adapter that could not be opened is closed
      throw error;
    });
  }

  async subscribe(channel: string, { signal }: AdapterWaitOptions = {}): Promise<void> {
    if (!this.#context) throw new Error("Cannot subscribe: the memory adapter is not open");
    signal?.throwIfAborted();
    if (this.#bus?.status !== "down") return void this.#channels.add(channel);
    const waiting = this.#waiting.get(channel) ?? Promise.withResolvers();
    this.#waiting.set(channel, waiting);
    try {
      await orAborted(waiting.promise, signal);
    } finally {
      this.#waiting.delete(channel);
    }
  }

  unsubscribe(channel: string): Promise<void> {
    this.#channels.delete(channel);
    this.#waiting.get(channel)?.reject(
      new Error(`Cannot subscribe to "${channel}": it was unsubscribed meanwhile`),
    );
    return Promise.resolve();
  }

  publish(channel: string, data: AdapterData): void {
    if (!this.#bus || !this.#node) return;
    // The publisher may change its bytes after this call. Not `slice()`, because a Buffer's `slice()` does not copy.
    const kept = typeof data === "string" ? data : new Uint8Array(data);
    this.#bus.publish({ from: this.#node, channel, data: kept });
  }

  countListeners(channel: string): Promise<number | undefined> {
    return Promise.resolve(this.#node && this.#bus?.count(channel, this.#node));
  }

  close(): Promise<void> {
    if (this.#node) this.#bus?.detach(this.#node);
    this.#closed = true;
    this.#context = undefined;
    this.#node = undefined;
    this.#channels.clear();
    for (const [channel, { reject }] of this.#waiting) {
      reject(new Error(`Cannot subscribe to "${channel}": the memory adapter was closed meanwhile`));
    }
    this.#opening?.reject(new Error("Cannot open the memory adapter: it was closed meanwhile"));
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** The bus's view of this adapter. A message under way when the adapter closes finds no context. */
  #createNode({ nodeId }: AdapterContext): Node {
    return {
      nodeId,
      prefix: this.#prefix,
      channels: this.#channels,
      deliver: (channel, data, from) => this.#context?.deliver(channel, data, from),
      lost: (channel) => {
        const error = new Error(`Cannot publish on "${channel}": the memory bus is down`);
        this.#context?.onError(error, { stage: "publish", channel });
      },
      statusChanged: (status) => {
        if (status === "up") {
          for (const [channel, { resolve }] of this.#waiting) {
            this.#channels.add(channel);
            resolve();
          }
        }
        this.#context?.onStatus(status);
        if (status === "up") this.#opening?.resolve();
      },
    };
  }
}
