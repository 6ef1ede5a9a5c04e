/**
 * Limits how many tasks run at the same time, and how many begin in one turn of the event loop. So other work can run
 * between the turns. Tasks wait in the order in which they came.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";

/** Options of {@linkcode Gate}. */
export interface GateOptions {
  /** The clock, which tells the end of a turn. */
  readonly clock: Clock;
  /** How many tasks may run at the same time. */
  readonly max: number;
  /** How many tasks may begin in one turn. */
  readonly perTurn: number;
}

/** A wait for a turn. */
export interface Wait {
  /** Resolves when the turn comes. */
  readonly turn: Promise<void>;
  /** Leaves the queue, and rejects `turn`. Does nothing when the turn has come. */
  giveUp(why: Error): void;
}

/** Counts running tasks, and lets other tasks wait. */
export class Gate {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #perTurn: number;
  /** The waiting tasks, each with its cost. */
  readonly #waiting = new Map<() => void, number>();
  #busy = 0;
  /** The cost of all tasks that have begun in this turn. */
  #begun = 0;

  /** @param options Its options. */
  constructor({ clock, max, perTurn }: GateOptions) {
    this.#clock = clock;
    this.#max = max;
    this.#perTurn = perTurn;
  }

  /** How many tasks run. */
  get busy(): number {
    return this.#busy;
  }

  /** How many tasks wait. */
  get waiting(): number {
    return this.#waiting.size;
  }

  /**
   * Asks for a turn. Give it back with `leave`.
   *
   * @param begin Called once when the turn comes, but not when it is there now. It must not throw.
   * @param cost How many tasks it counts as in its turn of the event loop: less than one for little work.
   * @returns Whether the turn is there now.
   */
  enter(begin: () => void, cost = 1): boolean {
    if (this.enterNow(cost)) return true;
    this.#waiting.set(begin, cost);
    return false;
  }

  /**
   * Takes a turn if it is there now. Give it back with `leave`.
   *
   * @param cost See `enter`.
   * @returns Whether it is there now. If not, nothing waits for it.
   */
  enterNow(cost = 1): boolean {
    if (!this.#open || this.#waiting.size > 0) return false;
    this.#count(cost);
    return true;
  }

  /**
   * Waits for a turn. Give it back with `leave`.
   *
   * @param cost See `enter`.
   * @returns A promise that resolves when the turn comes; `undefined` when it is there now.
   */
  take(cost?: number): Promise<void> | undefined {
    if (this.enterNow(cost)) return undefined;
    return new Promise<void>((resolve) => void this.#waiting.set(resolve, cost ?? 1));
  }

  /**
   * Waits for a turn, and gives it back as soon as it comes. For tasks that are only limited in how many begin in one
   * turn of the event loop.
   *
   * @returns As `take`.
   */
  pass(): Promise<void> | undefined {
    if (this.enterNow()) {
      this.leave();
      return undefined;
    }
    return new Promise<void>((resolve) =>
      void this.#waiting.set(() => {
        this.#busy--;
        resolve();
      }, 1)
    );
  }

  /**
   * Waits for a turn, as `take`, in such a way that the wait can end early.
   *
   * @returns `undefined` when the turn is there now.
   */
  wait(): Wait | undefined {
    if (this.enterNow()) return undefined;
    const { promise: turn, resolve, reject } = Promise.withResolvers<void>();
    this.#waiting.set(resolve, 1);
    return {
      turn,
      giveUp: (why) => {
        this.withdraw(resolve);
        reject(why);
      },
    };
  }

  /** Stops waiting: `begin` is not called. */
  withdraw(begin: () => void): void {
    this.#waiting.delete(begin);
  }

  /** Ends a task. */
  leave(): void {
    this.#busy--;
    if (this.#waiting.size > 0) this.#next();
  }

  get #open(): boolean {
    return this.#busy < this.#max && this.#begun < this.#perTurn;
  }

  #count(cost: number): void {
    this.#busy++;
    const isFirst = this.#begun === 0;
    this.#begun += cost;
    if (isFirst) this.#clock.endOfTurn(this.#onEndOfTurn);
  }

  readonly #onEndOfTurn = (): void => {
    this.#begun = 0;
    this.#next();
  };

  #next(): void {
    for (const [begin, cost] of this.#waiting) {
      if (!this.#open) return;
      this.#waiting.delete(begin);
      this.#count(cost);
      begin();
    }
  }
}
