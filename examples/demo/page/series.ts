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
  /** The delays of the kept ticks that came in time, by this clock. A person may set it. */
  readonly #lags = new Map<number, number>();
  #lagMs = 0;

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

  /** The smallest of these delays: the difference between this clock and that of the nodes. */
  get lagMs(): number {
    return this.#lagMs;
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
    while (this.first!.n <= oldest) this.#lags.delete(this.#ticks.shift()!.n);
    if (now !== undefined) this.#lags.set(tick.n, now - tick.n * TICK_MS);
    if (this.#lags.size > 0) this.#lagMs = Math.min(...this.#lags.values());
    return true;
  }
}
