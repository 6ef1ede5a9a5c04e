/**
 * How late this process is. After the death of a node it is busy with those who come, and hears of answers long after they
 * are there: that is its own slowness, not that of whoever was asked.
 *
 * @module
 */

import type { Clock } from "../../../contract/mod.ts";

/** How often to look, in milliseconds. What is shorter does not matter to those who wait. */
const LOOK_MS = 20;

/** Looks at how late a timer is, while somebody wants to know. */
export class Lateness {
  readonly #clock: Clock;
  #stop: (() => void) | undefined;
  /** When the timer is due. */
  #due = 0;
  /** When it fired last, and how late that was. */
  #firedAt = -Infinity;
  #lastMs = 0;

  /** @param clock Where time comes from. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Looks from now on, if it does not yet. */
  watch(): void {
    if (!this.#stop) this.#set();
  }

  /** Looks no more. */
  rest(): void {
    this.#stop?.();
    this.#stop = undefined;
  }

  /**
   * How long ago an answer that is heard now may have been there, in milliseconds.
   *
   * @param since When it was asked for.
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
