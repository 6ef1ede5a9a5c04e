/**
 * Whether all members are known: every awaited node has sent its entries, and the backplane is up.
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

  /** Creates it. A rejection of `ready` may be ignored. */
  constructor() {
    this.#first.promise.catch(() => {});
  }

  /** Whether all members are known. */
  get whole(): boolean {
    return this.#whole;
  }

  /** Resolves when all members are known for the first time; rejects when it is closed before. */
  get ready(): Promise<void> {
    return this.#first.promise;
  }

  /** The other nodes are known now: no more nodes will be awaited for the start. */
  begin(): void {
    this.#begun = true;
    this.#check();
  }

  /** The backplane is up or down. */
  reachable(isUp: boolean): void {
    this.#isUp = isUp;
    this.#check();
  }

  /** Waits for the entries of a node. */
  await(node: string): void {
    this.#awaited.add(node);
    this.#check();
  }

  /** A node has sent all its entries, or has left. */
  told(node: string): void {
    this.#awaited.delete(node);
    this.#check();
  }

  /**
   * Listens to changes of `whole`.
   *
   * @returns A function that removes the listener.
   */
  on(listener: (whole: boolean) => void): () => void {
    const own = (whole: boolean) => listener(whole); // a function of its own, because a listener may be added twice
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  /** Stops waiting for nodes. */
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
