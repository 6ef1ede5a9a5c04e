/**
 * Telling whoever runs the hub that a store of histories does not answer: clients are told that it is not there, and come again.
 *
 * @module
 */

import { isPromise } from "../backplane/deadline.ts";

/** Reports the first of the questions that fail, until one is answered. */
export class StoreFailures {
  readonly #report: (error: unknown, what: string) => void;
  #isTold = false;
  #closed = false;

  /** @param report Hears of it, and of what the question was about. */
  constructor(report: (error: unknown, what: string) => void) {
    this.#report = report;
  }

  /**
   * Asks, and looks at what comes of it.
   *
   * @param what What it is about.
   * @param ask Asks.
   */
  watch<T>(what: string, ask: () => T | Promise<T>): T | Promise<T> {
    let answer: T | Promise<T>;
    try {
      answer = ask();
    } catch (error) {
      this.#failed(error, what);
      throw error;
    }
    if (isPromise(answer)) answer.then(() => this.#worked(), (error) => this.#failed(error, what));
    else this.#worked();
    return answer;
  }

  /** The hub needs the store no more: what fails from now on is nobody's business. */
  close(): void {
    this.#closed = true;
  }

  #worked(): void {
    this.#isTold = false;
  }

  #failed(error: unknown, what: string): void {
    if (!this.#isTold && !this.#closed) this.#report(error, what);
    this.#isTold = true;
  }
}
