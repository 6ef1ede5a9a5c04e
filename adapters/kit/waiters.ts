/**
 * Those who wait until something has happened to a key.
 *
 * @module
 */

/** Waits by key; nothing is kept of a key for which nobody waits. */
export class Waiters<K> {
  readonly #waiting = new Map<K, PromiseWithResolvers<void>>();

  /** The keys for which somebody waits. */
  get keys(): readonly K[] {
    return [...this.#waiting.keys()];
  }

  /** Resolves when it has happened; rejects when it cannot. */
  wait(key: K): Promise<void> {
    let waiting = this.#waiting.get(key);
    if (!waiting) this.#waiting.set(key, waiting = Promise.withResolvers());
    return waiting.promise;
  }

  /** It has happened, or cannot. */
  settle(key: K, error?: Error): void {
    const waiting = this.#waiting.get(key);
    this.#waiting.delete(key);
    if (error) waiting?.reject(error);
    else waiting?.resolve();
  }

  /** It has happened for all. */
  settleAll(): void {
    for (const key of this.keys) this.settle(key);
  }
}
