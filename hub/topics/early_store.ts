/**
 * A store of histories that may be appended to before it is open. For emitters.
 *
 * @module
 */

import type {
  AppendOptions,
  HistoryContext,
  HistoryStore,
  ReadOptions,
  StoredPage,
} from "../../adapters/history_store.ts";
import type { Position } from "../../contract/mod.ts";

/** Has every call wait until the store is open. Whoever calls limits how long. */
export class EarlyStore implements HistoryStore {
  readonly name: string;
  readonly publishes: boolean;
  readonly #store: HistoryStore;
  readonly #backplane: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();

  /**
   * @param store The store.
   * @param backplane Resolves when the backplane is open, over which the store may work.
   */
  constructor(store: HistoryStore, backplane: Promise<void>) {
    this.name = store.name;
    this.publishes = store.publishes;
    this.#store = store;
    this.#backplane = backplane;
    backplane.catch(this.#ready.reject); // then nobody opens it
    this.#ready.promise.catch(() => {}); // whoever waits sees it
  }

  /** Opens it as soon as the backplane is open. */
  open(context: HistoryContext): Promise<void> {
    this.#ready.resolve(this.#backplane.then(() => this.#store.open?.(context)));
    return this.#ready.promise;
  }

  async append(channel: string, data: string, options: AppendOptions): Promise<Position> {
    await this.#ready.promise;
    options.signal?.throwIfAborted(); // nobody waits any more: not late either
    return await this.#store.append(channel, data, options);
  }

  async read(channel: string, options?: ReadOptions): Promise<StoredPage> {
    await this.#ready.promise;
    return await this.#store.read(channel, options);
  }

  async close(nodeId: string): Promise<void> {
    await this.#store.close?.(nodeId);
  }
}
