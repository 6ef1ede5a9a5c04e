/**
 * Reads changes one by one.
 *
 * @module
 */

import { defer, HubError } from "../../contract/mod.ts";

/** The largest number of changes that may wait for a reader. */
const MAX_WAITING = 10_000;

/** An iterator over the values that are pushed into it. */
export class Reader<T> implements AsyncIterableIterator<T> {
  readonly #left: (reader: Reader<T>) => void;
  #values: T[] = [];
  /** Resolves when there is a value to read, or when the end is reached. */
  #change = defer<void>();
  #over = false;
  #error: HubError | undefined;

  /** @param left Called once, when the reader needs no more values. */
  constructor(left: (reader: Reader<T>) => void) {
    this.#left = left;
  }

  /** Adds a value. */
  push(value: T): void {
    if (this.#values.push(value) <= MAX_WAITING) return this.#wake();
    this.#values = [];
    this.end(
      new HubError(
        "UNAVAILABLE",
        `Cannot iterate over presence: ${MAX_WAITING} messages wait. Read faster, or use a listener`,
      ),
    );
  }

  /** Ends the reader: after the waiting values, there are no more. */
  end(error?: HubError): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#left(this);
    this.#wake();
  }

  async next(): Promise<IteratorResult<T>> {
    while (this.#values.length === 0 && !this.#over) await this.#change.promise;
    if (this.#values.length > 0) return { done: false, value: this.#values.shift()! };
    const error = this.#error;
    this.#error = undefined;
    if (error) throw error;
    return { done: true, value: undefined };
  }

  return(): Promise<IteratorResult<T>> {
    this.#values = [];
    this.end();
    this.#error = undefined;
    return this.next();
  }

  #wake(): void {
    this.#change.resolve();
    this.#change = defer();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
