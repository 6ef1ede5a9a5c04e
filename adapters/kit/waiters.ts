/**
 * Waits for an event of a key.
 *
 * @module
 */

/** Pending waits by key. It has no entry for a key without waits. */
export class Waiters<K> {
  readonly #waiting = new Map<K, PromiseWithResolvers<void>>();

  /** The keys with pending waits. */
  get keys(): readonly K[] {
    return [...this.#waiting.keys()];
  }

  /** Resolves when the event happens; rejects when it cannot happen. */
  wait(key: K): Promise<void> {
    let waiting = this.#waiting.get(key);
    if (!waiting) this.#waiting.set(key, waiting = Promise.withResolvers());
    return waiting.promise;
  }

  /** The event has happened, or cannot happen. */
  settle(key: K, error?: Error): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (error) waiting?.reject(error);
    else waiting?.resolve();
  }

  /** The event has happened for all keys. */
  settleAll(): void {
    for (const key of this.keys) this.settle(key);
  }
}
