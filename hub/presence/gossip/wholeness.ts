/**
 * Whether all is known: every node that was there has told what it has, and the backplane is up.
 *
 * @module
 */

import { HubError } from "../../../contract/mod.ts";

/** See the module. */
export class Wholeness {
  readonly #first = Promise.withResolvers<void>();
  readonly #listeners = new Set<(whole: boolean) => void>();
  readonly #awaited = new Set<string>();
  #isUp = false;
  #begun = false;
  #whole = false;

  /** Nobody may be waiting for it. */
  constructor() {
    this.#first.promise.catch(() => {});
  }

  /** Whether all is known. */
  get whole(): boolean {
    return this.#whole;
  }

  /** Resolves when all is known for the first time; rejects when it is closed before. */
  get ready(): Promise<void> {
    return this.#first.promise;
  }

  /** Who is there is known: those that are awaited are all. */
  begin(): void {
    this.#begun = true;
    this.#check();
  }

  /** The other nodes can be reached, or not. */
  reachable(isUp: boolean): void {
    this.#isUp = isUp;
    this.#check();
  }

  /** A node has something to tell. */
  await(node: string): void {
    this.#awaited.add(node);
    this.#check();
  }

  /** A node has told everything, or is gone. */
  told(node: string): void {
    this.#awaited.delete(node);
    this.#check();
  }

  /**
   * Listens to changes.
   *
   * @returns Stops it.
   */
  on(listener: (whole: boolean) => void): () => void {
    const own = (whole: boolean) => listener(whole); // the same function may be given twice
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Waits for nobody any more. */
  close(): void {
    this.#first.reject(new HubError("UNAVAILABLE", "Cannot list members: the hub is closed"));
    this.#isUp = false;
    this.#awaited.clear();
    this.#check();
    this.#listeners.clear();
  }

  #check(): void {
    const whole = this.#begun && this.#isUp && this.#awaited.size === 0;
    if (whole === this.#whole) return;
    this.#whole = whole;
    if (whole) this.#first.resolve();
    for (const listener of [...this.#listeners]) listener(whole);
  }
}
