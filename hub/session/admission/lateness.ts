/**
 * Measures how late this process is. After the death of a node, this process is busy with the clients that come. Then
 * it reads answers long after they arrived. This is a delay of this process, and not of the database or service that
 * answered.
 *
 * @module
 */

import type { Clock } from "../../../contract/mod.ts";

/** How often to look, in milliseconds. Shorter delays do not matter to waiting clients. */
const LOOK_MS = 20;

/** Measures how late a timer is, while this is needed. */
export class Lateness {
  readonly #clock: Clock;
  #stop: (() => void) | undefined;
  /** When the timer is due. */
  #due = 0;
  /** When the timer fired last, and how late it was then, in milliseconds. */
  #firedAt = -Infinity;
  #lastMs = 0;

  /** @param clock The clock. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Begins to measure, if it does not measure yet. */
  watch(): void {
    if (!this.#stop) this.#set();
  }

  /** Stops measuring. */
  rest(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /**
   * How long an answer that is read now may have waited in this process, in milliseconds.
   *
   * @param since When the question was asked.
   */
  after(since: number): number {
    const overdueMs = this.#stop ? Math.max(0, this.#clock.now() - this.#due) : 0;
    return Math.max(overdueMs, this.#firedAt >= since ? this.#lastMs : 0);
  }

  #set(): void {
    this.#due = this.#clock.now() + LOOK_MS;
    this.#stop = this.#clock.after(LOOK_MS, () => {
      this.#firedAt = this.#clock.now();
      this.#lastMs = this.#firedAt - this.#due;
      this.#set();
    }, { background: true });
  }
}
