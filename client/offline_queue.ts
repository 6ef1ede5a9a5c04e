/**
 * Waiting while there is no link.
 *
 * @module
 */

import { HubError } from "../contract/mod.ts";

/** Something that waits for a link. */
export interface Waiting {
  /** The link is there. */
  send(): void;
  /** There will be none. */
  fail(error: HubError): void;
}

/** What waits for a link, in order and bounded. */
export class OfflineQueue {
  readonly #limit: number | undefined;
  readonly #waiting = new Set<Waiting>();

  /** @param limit How many may wait; `undefined` when nothing shall. */
  constructor(limit: number | undefined) {
    this.#limit = limit;
  }

  /**
   * Waits for a link.
   *
   * @param what What it is, for the error's message.
   * @param waiting Called once, unless taken back.
   * @returns A function that takes it back.
   * @throws {HubError} `DISCONNECTED` when nothing may wait, `UNAVAILABLE` when too many do already.
   */
  add(what: string, waiting: Waiting): () => void {
    if (this.#limit === undefined) {
      throw new HubError("DISCONNECTED", `Cannot send ${what}: there is no connection`);
    }
    if (this.#waiting.size >= this.#limit) {
      throw new HubError(
        "UNAVAILABLE",
        `Cannot send ${what}: ${this.#limit} others wait for a connection already`,
      );
    }
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  /** Sends everything, in order. */
  sendAll(): void {
    this.#each((waiting) => waiting.send());
  }

  /**
   * Gives everything up.
   *
   * @param error Why.
   */
  failAll(error: HubError): void {
    this.#each((waiting) => waiting.fail(error));
  }

  /** One by one: what is taken back meanwhile is not called. */
  #each(call: (waiting: Waiting) => void): void {
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      call(waiting);
    }
  }
}
