/**
 * Lets few do something at the same time; the others wait in the order in which they came.
 *
 * @module
 */

/** So many may, at the same time. */
export class Permits {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count How many. */
  constructor(count: number) {
    this.#free = count;
  }

  /**
   * Takes a permit; give it back.
   *
   * @returns Resolves when there is one; `undefined` when there was.
   */
  take(): Promise<void> | undefined {
    if (this.#free > 0) return void this.#free--;
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  /** Gives a permit back: to the one who has waited longest. */
  give(): void {
    const next = this.#waiting.shift();
    if (next) next();
    else this.#free++;
  }
}
