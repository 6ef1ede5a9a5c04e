/**
 * Messages that wait while there is no link.
 *
 * @module
 */

import { HubError } from "../contract/mod.ts";

/** A message that waits for a link. */
export interface Waiting {
  /** Called when there is a link. */
  send(): void;
  /** Called when there will be no link. */
  fail(error: HubError): void;
}

/** A queue of messages that wait for a link. It keeps their order and has a limit. */
export class OfflineQueue {
  readonly #limit: number | undefined;
  readonly #waiting = new Set<Waiting>();

  /** @param limit The largest number of waiting messages; `undefined`: no message may wait. */
  constructor(limit: number | undefined) {
    this.#limit = limit;
  }

  /**
   * Adds a message to the queue.
   *
   * @param what The message's name, for errors.
   * @param waiting The message. One of its functions is called once, unless the message is removed.
   * @returns A function that removes it.
   * @throws {HubError} `DISCONNECTED` when no message may wait, `UNAVAILABLE` when the queue is full.
   */
  add(what: string, waiting: Waiting): () => void {
    if (this.#limit === undefined) {
      throw new HubError("DISCONNECTED", `Cannot send ${what}: there is no connection`);
    }
    if (this.#waiting.size >= this.#limit) {
      throw new HubError(
        "UNAVAILABLE",
        `Cannot send ${what}: ${this.#limit} others wait already (offline.queue)`,
      );
    }
    this.#waiting.add(waiting);
    return () => void this.#waiting.delete(waiting);
  }

  /** Sends all messages, in order. */
  sendAll(): void {
    this.#each((waiting) => waiting.send());
  }

  /**
   * Fails all messages.
   *
   * @param error The reason.
   */
  failAll(error: HubError): void {
    this.#each((waiting) => waiting.fail(error));
  }

  /** Calls one message after the other. A message that is removed meanwhile is not called. */
  #each(call: (waiting: Waiting) => void): void {
    for (const waiting of this.#waiting) {
      this.#waiting.delete(waiting);
      call(waiting);
    }
  }
}
