import type { AppendOptions, HistoryStore, ReadOptions, StoredPage } from "../../adapters/history_store.ts";
import type { Position } from "../../contract/mod.ts";
import { check, settles } from "../check.ts";
import type { HistoryStoreSetup } from "./setup.ts";

/** Options that keep everything that a case appends. */
export const PLENTY: AppendOptions = { size: 10_000, ttlMs: Infinity };

/** One node's store. Every call on it has a timeout. */
export class StoreNode {
  readonly nodeId: string;
  readonly store: HistoryStore;
  readonly errors: Error[] = [];
  readonly #waitMs: number;

  constructor(nodeId: string, store: HistoryStore, waitMs: number) {
    this.nodeId = nodeId;
    this.store = store;
    this.#waitMs = waitMs;
  }

  async open(): Promise<void> {
    const opening = Promise.resolve(
      this.store.open?.({
        nodeId: this.nodeId,
        deliver() {},
        onError: (error) => void this.errors.push(error),
      }),
    );
    await settles(opening, "open", this.#waitMs);
  }

  append(channel: string, data: string, options: AppendOptions = PLENTY): Promise<Position> {
    return settles(Promise.resolve(this.store.append(channel, data, options)), "append", this.#waitMs);
  }

  read(channel: string, options?: ReadOptions): Promise<StoredPage> {
    return settles(Promise.resolve(this.store.read(channel, options)), "read", this.#waitMs);
  }

  /** Appends messages one after the other. Returns the epoch. */
  async fill(channel: string, count: number, options?: AppendOptions): Promise<string> {
    let epoch = "";
    for (let i = 1; i <= count; i++) {
      const [now, offset] = await this.append(channel, `${i}`, options);
      check(offset === i, `Append ${i} got offset ${offset}`);
      check(epoch === "" || now === epoch, `The epoch has changed at append ${i}`);
      epoch = now;
    }
    return epoch;
  }

  async close(): Promise<void> {
    await settles(Promise.resolve(this.store.close?.(this.nodeId)), "close", this.#waitMs);
  }
}

/** One behaviour to test. */
export interface StoreCase {
  readonly name: string;
  run(stage: StoreStage): Promise<void>;
}

/** The nodes of a case. They share one storage, under a prefix that no other case uses. */
export class StoreStage {
  readonly waitMs: number;
  readonly ttlMs: number;
  readonly tellsAge: boolean;
  readonly #prefix = `conformance-${crypto.randomUUID()}`;
  readonly #setup: HistoryStoreSetup;
  readonly #nodes: StoreNode[] = [];

  constructor(setup: HistoryStoreSetup) {
    this.#setup = setup;
    this.waitMs = setup.waitMs ?? 10_000;
    this.ttlMs = setup.ttlMs ?? 300;
    this.tellsAge = setup.tellsAge ?? true;
  }

  /** Makes another node. */
  async node(): Promise<StoreNode> {
    const store = await this.#setup.create({ prefix: this.#prefix });
    const node = new StoreNode(crypto.randomUUID(), store, this.waitMs);
    this.#nodes.push(node);
    await node.open();
    return node;
  }

  async end(): Promise<void> {
    for (const node of this.#nodes) await node.close();
  }
}
