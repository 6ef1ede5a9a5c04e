/**
 * A store of histories that takes appends before it is open. For emitters.
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
import { HubError, isHubError, type Position } from "../../contract/mod.ts";

/** Each call waits until the store is open. The caller sets the timeout. */
export class EarlyStore implements HistoryStore {
  readonly name: string;
  readonly publishes: boolean;
  readonly transactions: boolean;
  readonly tellsKnown: boolean;
  readonly #store: HistoryStore;
  readonly #backplane: Promise<void>;
  readonly #ready = Promise.withResolvers<void>();

  /**
   * @param store The store.
   * @param backplane Resolves when the backplane is open. The store may use it.
   */
  constructor(store: HistoryStore, backplane: Promise<void>) {
    this.name = store.name;
    this.publishes = store.publishes;
    this.transactions = store.transactions === true;
    this.tellsKnown = store.tellsKnown === true;
    this.#store = store;
    this.#backplane = backplane;
    backplane.catch(this.#ready.reject); // then the store is not opened
    this.#ready.promise.catch(() => {}); // callers that wait get the error
  }

  /** Opens it as soon as the backplane is open. */
  open(context: HistoryContext): Promise<void> {
    const opened = this.#backplane.then(() => this.#store.open?.(context));
    opened.catch(() => {}); // callers may have got the error of the backplane already
    this.#ready.resolve(opened);
    return this.#ready.promise;
  }

  async append(channel: string, data: string, options: AppendOptions): Promise<Position> {
    await this.#opened(channel, options.signal);
    return await this.#store.append(channel, data, options);
  }

  async read(channel: string, options?: ReadOptions): Promise<StoredPage> {
    await this.#ready.promise;
    return await this.#store.read(channel, options);
  }

  async close(nodeId: string): Promise<void> {
    await this.#store.close?.(nodeId);
  }

  /** Waits until it is open. If the caller gives up before, the append is never sent. */
  #opened(channel: string, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const fail = (cause: unknown) => {
      const why = `Cannot store a message of "${channel}": ${this.name} is not open`;
      reject(
        isHubError(cause) && cause.code === "UNAVAILABLE"
          ? cause
          : new HubError("UNAVAILABLE", why, { cause }),
      );
    };
    const onAbort = () => fail(signal!.reason);
    signal?.addEventListener("abort", onAbort, { once: true });
    this.#ready.promise.then(resolve, fail).finally(() => signal?.removeEventListener("abort", onAbort));
    return promise;
  }
}
