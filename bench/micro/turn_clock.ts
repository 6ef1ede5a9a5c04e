/**
 * A clock for benchmarks that end each turn of the event loop themselves.
 *
 * @module
 */

import { type Clock, systemClock } from "@trunkline/hub/contract";

/** The platform's clock, but turns end only when the benchmark says so. */
export class TurnClock implements Clock {
  readonly now = systemClock.now;
  readonly after = systemClock.after;
  #atEnd: (() => void)[] = [];

  endOfTurn(callback: () => void): void {
    this.#atEnd.push(callback);
  }

  /** Ends the turn. */
  endTurn(): void {
    const callbacks = this.#atEnd;
    this.#atEnd = [];
    for (const callback of callbacks) callback();
  }
}
