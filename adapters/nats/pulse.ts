/**
 * Counts the bytes on their way to a server, and tells whether the server is alive. It sends pings between the
 * messages. The answer to a ping says that everything before the ping has arrived.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";

/** The most bytes between two pings, so that a slow but working connection keeps answering. */
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
   * @param ping Sends a ping after everything that was sent. It resolves with the answer; without an answer it may
   * reject or hang.
   * @param clock The source of time.
   * @param maxPendingBytes How many bytes may be on their way without a confirmation.
   */
  constructor(ping: () => Promise<void>, clock: Clock, maxPendingBytes: number) {
    this.#ping = ping;
    this.#clock = clock;
    this.#maxPendingBytes = maxPendingBytes;
    this.#stepBytes = Math.min(MAX_STEP_BYTES, maxPendingBytes / 4);
  }

  /**
   * Whether there is room for this many more bytes.
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

  /** Sends a ping, and resolves with its answer. */
  async beat(): Promise<void> {
    const at = this.#sent;
    this.#pinged = at;
    await this.#ping();
    this.#answeredAt = this.#clock.now();
    this.#confirmed = Math.max(this.#confirmed, at);
  }

  /** The time of the server's last answer, by the clock. */
  get answeredAt(): number {
    return this.#answeredAt;
  }
}
