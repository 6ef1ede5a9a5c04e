/**
 * Lets a few tasks run at the same time. Other tasks wait in the order in which they came.
 *
 * @module
 */

/** A semaphore: at most `count` tasks have a permit at the same time. */
export class Permits {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count How many tasks may run at the same time. */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Takes a permit. Give it back with `give`.
   *
   * @returns A promise that resolves when there is a permit; `undefined` when there is one now.
   */
  take(): Promise<void> | undefined {
    if (this.#free > 0) return void this.#free--;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a permit back: the task that has waited longest gets it. */
  give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
