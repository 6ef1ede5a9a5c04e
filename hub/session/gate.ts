/**
 * Lets few do something at the same time, and few begin it in one turn of the event loop: what others want in between
 * goes before those who wait here. They wait in the order in which they came.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";

/** What {@linkcode Gate} needs. */
export interface GateOptions {
  /** Where turns come from. */
  readonly clock: Clock;
  /** How many may do it at the same time. */
  readonly max: number;
  /** How many may begin in one turn. */
  readonly perTurn: number;
}

/** Counts who does something, and keeps the others waiting. */
export class Gate {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #perTurn: number;
  /** Those who wait, and for how many each counts in its turn. */
  readonly #waiting = new Map<() => void, number>();
  #busy = 0;
  /** How many have begun in this turn, or what that comes to. */
  #begun = 0;

  /** @param options What it needs. */
  constructor({ clock, max, perTurn }: GateOptions) {
    this.#clock = clock;
    this.#max = max;
    this.#perTurn = perTurn;
  }

  /** How many are at it. */
  get busy(): number {
    return this.#busy;
  }

  /** How many wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Asks for a turn; `leave` gives it back.
   *
   * @param begin Called once when it has come, unless it is there now; it does not throw.
   * @param cost For how many it counts among those that begin in one turn: less than one where it is little work.
   * @returns Whether it is there now.
   */
  enter(begin: () => void, cost = 1): boolean {
    if (this.#open && this.#waiting.size === 0) {
      this.#count(cost);
      return true;
    }
    this.#waiting.set(begin, cost);
    return false;
  }

  /**
   * Waits for a turn; `leave` gives it back.
   *
   * @param cost See `enter`.
   * @returns Resolves when it has come; `undefined` when it is there now.
   */
  take(cost?: number): Promise<void> | undefined {
    let begin!: () => void;
    const turn = new Promise<void>((resolve) => begin = resolve);
    return this.enter(begin, cost) ? undefined : turn;
  }

  /** Waits no longer. Nothing happens when the turn has come. */
  withdraw(begin: () => void): void {
    this.#waiting.delete(begin);
  }

  /** It is done. */
  leave(): void {
    this.#busy--;
    this.#next();
  }

  get #open(): boolean {
    return this.#busy < this.#max && this.#begun < this.#perTurn;
  }

  #count(cost: number): void {
    this.#busy++;
    const isFirst = this.#begun === 0;
    this.#begun += cost;
    if (!isFirst) return;
    this.#clock.endOfTurn(() => {
      this.#begun = 0;
      this.#next();
    });
  }

  #next(): void {
    for (const [begin, cost] of this.#waiting) {
      if (!this.#open) return;
      this.#waiting.delete(begin);
      this.#count(cost);
      begin();
    }
  }
}
