/**
 * Tests whether a connection delivers: whether a message that is sent on another connection comes back on it.
 *
 * @module
 */

/** The probes of one connection: one at a time. */
export class Probes {
  #running: { readonly token: string; readonly back: PromiseWithResolvers<void> } | undefined;
  #count = 0;

  /** Whether one is on its way. */
  get running(): boolean {
    return this.#running !== undefined;
  }

  /** The one whose turn it is. */
  next<T>(all: readonly T[]): T | undefined {
    return all[this.#count++ % all.length];
  }

  /**
   * Sends one.
   *
   * @param publish Sends a message. Resolves with whether the server accepted it.
   * @returns A promise for the probe's return, in a list, so that the caller can limit the time from now on. The promise
   * also resolves when the probe proves nothing any more.
   */
  async send(publish: (data: string) => Promise<boolean>): Promise<readonly [Promise<void>]> {
    const back = Promise.withResolvers<void>();
    const token = crypto.randomUUID();
    this.#running = { token, back };
    if (!await publish(token)) back.resolve();
    return [back.promise];
  }

  /** A message of a probe has come. */
  came(token: string): void {
    if (this.#running?.token === token) this.#running.back.resolve();
  }

  /** The one on its way proves nothing any more. */
  excuse(): void {
    this.#running?.back.resolve();
  }

  /** The wait is over. */
  end(): void {
    this.#running = undefined;
  }
}
