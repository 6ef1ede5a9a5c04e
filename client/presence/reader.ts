/**
 * Reading changes one by one.
 *
 * @module
 */

import { defer, HubError } from "../../contract/mod.ts";

/** So many changes may wait for a reader. */
const MAX_WAITING = 10_000;

/** An iterator over what is pushed into it. */
export class Reader<T> implements AsyncIterableIterator<T> {
  readonly #left: (reader: Reader<T>) => void;
  #values: T[] = [];
  /** Resolves when there is something to read, or nothing more. */
  #change = defer<void>();
  #over = false;
  #error: HubError | undefined;

  /** @param left Called once, when nothing needs to be pushed any more. */
  constructor(left: (reader: Reader<T>) => void) {
    this.#left = left;
  }

  /** Hands on a value. */
  push(value: T): void {
    if (this.#values.push(value) <= MAX_WAITING) return this.#wake();
    this.#values = [];
    this.end(new HubError("UNAVAILABLE", `The reader of presence is ${MAX_WAITING} changes behind`));
  }

  /** There will be nothing more, once what waits is read. */
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
