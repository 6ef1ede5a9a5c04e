/**
 * How much is on its way to a server, and whether the server is alive: both by the answers to pings that are sent between
 * the messages. An answer says that everything before its ping has arrived.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";

/** A ping goes out at the latest after so many bytes, so that a slow but working connection keeps answering. */
const MAX_STEP_BYTES = 128 * 1024;

/** One connection's pings. */
export class Pulse {
  readonly #ping: () => Promise<void>;
  readonly #clock: Clock;
  readonly #maxPendingBytes: number;
  readonly #stepBytes: number;
  #sent = 0;
  #pinged = 0;
  #confirmed = 0;
  #answeredAt = -Infinity;

  /**
   * Has sent nothing yet.
   *
   * @param ping Sends a ping behind all that was sent; resolves with its answer, and may reject or hang without.
   * @param clock The source of time.
   * @param maxPendingBytes How many bytes may be on their way that no answer has confirmed.
   */
  constructor(ping: () => Promise<void>, clock: Clock, maxPendingBytes: number) {
    this.#ping = ping;
    this.#clock = clock;
    this.#maxPendingBytes = maxPendingBytes;
    this.#stepBytes = Math.min(MAX_STEP_BYTES, maxPendingBytes / 4);
  }

  /**
   * Whether there is room for so many bytes more.
   *
   * @param bytes How many.
   */
  takes(bytes: number): boolean {
    return this.#sent - this.#confirmed + bytes <= this.#maxPendingBytes;
  }

  /**
   * Counts a message that was sent.
   *
   * @param bytes Its size.
   */
  add(bytes: number): void {
    this.#sent += bytes;
    if (this.#sent - this.#pinged >= this.#stepBytes) this.beat().catch(() => {});
  }

  /** Sends a ping; resolves with its answer. */
  async beat(): Promise<void> {
    const at = this.#sent;
    this.#pinged = at;
    await this.#ping();
    this.#answeredAt = this.#clock.now();
    this.#confirmed = Math.max(this.#confirmed, at);
  }

  /** When the server has answered last, by the clock. */
  get answeredAt(): number {
    return this.#answeredAt;
  }
}
