/**
 * The ticks of a symbol: each once, in order, the latest of them.
 *
 * @module
 */

import { type Tick, TICK_MS } from "../contract.ts";

/** How much of the past is shown, in milliseconds. */
export const SPAN_MS = 30_000;
/** A little more, so that the line begins before the drawing does. */
const KEPT = SPAN_MS / TICK_MS + 8;

/** The ticks of a symbol. */
export class Series {
  #ticks: Tick[] = [];
  /** How much later than by this clock a tick is due; the least that was seen. */
  #lagMs = Infinity;

  /** In order. */
  get ticks(): readonly Tick[] {
    return this.#ticks;
  }

  /** The oldest one. */
  get first(): Tick | undefined {
    return this.#ticks[0];
  }

  /** The latest one. */
  get last(): Tick | undefined {
    return this.#ticks.at(-1);
  }

  /** The difference between this clock and that of the nodes. */
  get lagMs(): number {
    return Number.isFinite(this.#lagMs) ? this.#lagMs : 0;
  }

  /**
   * Takes a tick.
   *
   * @param now When it came, for one that came when it was due.
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
