/**
 * Nodes that are behind their store and their clients: what the store sends to a node, and what it answers, comes when the
 * test lets it.
 *
 * @module
 */

import { createHub, defineContract, type Hub } from "@trunkline/hub";
import type { Adapter, AdapterContext } from "@trunkline/hub/adapters/adapter";
import type {
  HistoryContext,
  HistoryStore,
  ReadOptions,
  StoredPage,
} from "@trunkline/hub/adapters/history-store";
import { createLoopbackTransport, type LoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import type { Position, SubOptions } from "../../contract/mod.ts";
import { FakeClock } from "../fake_clock.ts";
import { microtasks } from "../hub/wires.ts";
import { RestartingStore } from "./restarting_store.ts";

/** A client of the model. */
export interface Follower {
  /** Whether it is at a node, or looks for one. */
  readonly isLinked: boolean;
  /** Comes to a node, and subscribes: after the last message that it has, unless told otherwise. */
  connect(node: BehindNode, start?: SubOptions): void;
  /** Subscribes again on the same link. */
  again(): void;
  /** Goes away. */
  leave(): void;
  /** Checks that it has everything. */
  checkEnd(): void;
}

/** A contract whose history has so many messages. */
export function contractOf(size: number) {
  return defineContract({
    shared: { topics: { log: { payload: z.number(), history: { size } } } },
    roles: { member: {} },
  });
}
type Definition = ReturnType<typeof contractOf>["definition"];

/** All nodes, their store, and all that was ever kept. */
export class World {
  readonly clock = new FakeClock();
  readonly size: number;
  readonly store: RestartingStore;
  readonly nodes: BehindNode[] = [];
  /** Which message was at a position. */
  readonly numbers = new Map<string, number>();
  /** How far each epoch got. */
  readonly ends = new Map([["epoch 1", 0]]);
  /** What was served wrongly. */
  readonly failures: unknown[] = [];
  /** Changes when the store begins an epoch. */
  restarts = 0;

  /** @param size How many messages the store keeps. */
  constructor(size: number) {
    this.size = size;
    this.store = new RestartingStore(this.clock, size);
  }

  /** The lowest offset that the store keeps. */
  get oldest(): number {
    const { value } = this.store.kept.keys().next();
    return value ?? this.store.position[1] + 1;
  }

  async addNode(): Promise<BehindNode> {
    const node = new BehindNode(this);
    this.nodes.push(node);
    await this.settle();
    await node.hub.ready;
    return node;
  }

  append(from?: BehindNode): Position {
    const position = this.store.append((n) => String(n));
    const { n, data } = this.store.kept.get(position[1])!;
    this.#note(position, n);
    for (const node of this.nodes) if (node !== from) node.sent(position, data);
    return position;
  }

  /** The store starts again, without its newest messages. */
  restart(lost: number): void {
    this.restarts++;
    this.store.restart(lost, 0);
    const { position: [epoch], kept } = this.store;
    this.#note(this.store.position, NaN);
    for (const [offset, { n }] of kept) this.#note([epoch, offset], n);
  }

  #note([epoch, offset]: Position, n: number): void {
    this.numbers.set(`${epoch} ${offset}`, n);
    this.ends.set(epoch, Math.max(offset, this.ends.get(epoch) ?? 0));
  }

  /** Lets what is ready run; throws when something was served wrongly. */
  async settle(): Promise<void> {
    await microtasks(120);
    if (this.failures.length > 0) throw this.failures[0];
  }

  async pass(ms: number): Promise<void> {
    this.clock.advance(ms);
    await this.settle();
  }
}

/** A node that gets what its store sends when the test lets it. */
export class BehindNode {
  readonly hub: Hub<Definition, { id: string } | undefined, undefined>;
  readonly loopback: LoopbackTransport = createLoopbackTransport();
  readonly errors: unknown[] = [];
  /** Whether all comes at once. */
  isFrozen = false;
  readonly #world: World;
  readonly #held: { readonly position: Position; readonly data: string }[] = [];
  readonly #reads: (() => void)[] = [];
  #store: HistoryContext | undefined;
  #adapter: AdapterContext | undefined;

  constructor(world: World) {
    this.#world = world;
    this.hub = createHub(contractOf(world.size), {
      authenticate: ({ role }) => ({ role }),
      transports: [this.loopback],
      clock: world.clock,
      adapter: this.#adapterDouble(),
      history: this.#storeDouble(),
      cluster: { joinTimeoutMs: 0 },
      limits: { messageBurst: 1e6, messagesPerSecond: 1e6, recoveryBurst: 1e6 },
      onError: (error) => void this.errors.push(error),
    });
  }

  sent(position: Position, data: string): void {
    this.#held.push({ position, data });
    if (!this.isFrozen) this.#deliver(this.#held.splice(0));
  }

  /** Lets some of what was sent to it arrive, in any order; or loses it. */
  arrive(n: number, fate: "all" | "one" | "lost" | "twice"): void {
    if (this.#held.length === 0) return;
    if (fate === "all") return this.#deliver(this.#held.splice(0));
    const at = n % this.#held.length;
    const some = fate === "twice" ? this.#held.slice(at, at + 1) : this.#held.splice(at, 1);
    if (fate !== "lost") this.#deliver(some);
  }

  /** Lets reads go on. */
  answer(count = Infinity): void {
    for (const go of this.#reads.splice(0, count)) go();
  }

  thaw(): void {
    this.isFrozen = false;
    this.arrive(0, "all");
    this.answer();
  }

  /** The adapter says that messages may be lost. */
  gap(): void {
    this.#adapter?.onGap();
  }

  #deliver(messages: readonly { readonly position: Position; readonly data: string }[]): void {
    for (const { position, data } of messages) this.#store?.deliver("topic:log", position, data, "other");
  }

  #storeDouble(): HistoryStore {
    let reads = 0;
    return {
      name: "behind",
      publishes: true,
      open: (context) => void (this.#store = context),
      append: () => Promise.resolve(this.#world.append(this)),
      read: async (channel, options): Promise<StoredPage> => {
        if (channel !== "topic:log") return { position: ["none", 0], complete: false, records: [] };
        // Some answers are as of when they were asked for, some as of when they come.
        const early = ++reads % 2 === 0 ? this.#world.store.read(options) : undefined;
        if (this.isFrozen) await new Promise<void>((resolve) => this.#reads.push(resolve));
        return early ?? this.#world.store.read(options as ReadOptions);
      },
    };
  }

  #adapterDouble(): Adapter {
    return {
      name: "double",
      open: (context) => {
        this.#adapter = context;
        context.onStatus("up");
        return Promise.resolve();
      },
      subscribe: () => Promise.resolve(),
      unsubscribe: () => Promise.resolve(),
      publish() {},
      close: () => Promise.resolve(),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
}
