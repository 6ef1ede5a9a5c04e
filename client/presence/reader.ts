/**
 * Reading changes one by one.
 *
 * @module
 */

import { defer, type Deferred, HubError } from "../../contract/mod.ts";

/** So many changes may wait for a reader. */
const MAX_WAITING = 10_000;

/** An iterator over what is pushed into it. */
export class Reader<T> implements AsyncIterableIterator<T> {
  readonly #left: (reader: Reader<T>) => void;
  #values: T[] = [];
  #waiting: Deferred<IteratorResult<T>>[] = [];
  #over = false;
  #error: HubError | undefined;

  /** @param left Called once, when nothing needs to be pushed any more. */
  constructor(left: (reader: Reader<T>) => void) {
    this.#left = left;
  }

  /** Hands on a value. */
  push(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting) return waiting.resolve({ done: false, value });
    if (this.#values.push(value) <= MAX_WAITING) return;
    this.#values = [];
    this.end(new HubError("UNAVAILABLE", `The reader of presence is ${MAX_WAITING} changes behind`));
  }

  /** There will be nothing more, once what waits is read. */
  end(error?: HubError): void {
    if (this.#over) return;
    this.#over = true;
    this.#error = error;
    this.#left(this);
    for (const { resolve } of this.#waiting.splice(0)) resolve(this.next());
  }

  next(): Promise<IteratorResult<T>> {
    if (this.#values.length > 0) return Promise.resolve({ done: false, value: this.#values.shift()! });
    if (!this.#over) {
      const waiting = defer<IteratorResult<T>>();
      this.#waiting.push(waiting);
      return waiting.promise;
    }
    const error = this.#error;
    this.#error = undefined;
    return error ? Promise.reject(error) : Promise.resolve({ done: true, value: undefined });
  }

  return(): Promise<IteratorResult<T>> {
    this.#values = [];
    this.end();
    this.#error = undefined;
    return this.next();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}
