/**
 * The latest ticks of a symbol, each once and in order.
 *
 * @module
 */

import { type Tick, TICK_MS } from "../contract.ts";

/** The shown time span, in milliseconds. */
export const SPAN_MS = 30_000;
/** The number of kept ticks: a little more than the span, so that the line begins outside the drawing. */
const KEPT = SPAN_MS / TICK_MS + 8;

/** The ticks of a symbol. */
export class Series {
  #ticks: Tick[] = [];
  /** The smallest delay of a tick so far, by this clock. */
  #lagMs = Infinity;

  /** The ticks, in order. */
  get ticks(): readonly Tick[] {
    return this.#ticks;
  }

  /** The oldest tick. */
  get first(): Tick | undefined {
    return this.#ticks[0];
  }

  /** The latest tick. */
  get last(): Tick | undefined {
    return this.#ticks.at(-1);
  }

  /** The difference between this clock and that of the nodes. */
  get lagMs(): number {
    return Number.isFinite(this.#lagMs) ? this.#lagMs : 0;
  }

  /**
   * Adds a tick.
   *
   * @param now The time of arrival, for a tick that came in time.
   * @returns Whether it is new, and not too old.
   */
  add(tick: Tick, now?: number): boolean {
    const index = this.#ticks.findLastIndex(({ n }) => n <= tick.n);
    if (this.#ticks[index]?.n === tick.n) return false;
    if (this.last && tick.n <= this.last.n - KEPT) return false;
    this.#ticks.splice(index + 1, 0, tick);
    const oldest = this.last!.n - KEPT;
    while (this.first!.n <= oldest) this.#ticks.shift();
    if (now !== undefined) this.#lagMs = Math.min(this.#lagMs, now - tick.n * TICK_MS);
    return true;
  }
}
