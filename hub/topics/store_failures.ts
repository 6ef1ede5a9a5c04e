/**
 * Telling whoever runs the hub that a store of histories does not answer: clients are told that it is not there, and come again.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import { isPromise } from "../backplane/deadline.ts";

/** Where some questions are answered and others are not, so much time lies between two reports, in milliseconds. */
const INTERVAL_MS = 10_000;

/** Reports the first of the questions that fail, until one is answered. */
export class StoreFailures {
  readonly #clock: Clock;
  readonly #report: (error: unknown, what: string) => void;
  #isTold = false;
  #toldAt = -Infinity;
  #closed = false;

  /**
   * @param clock Where time comes from.
   * @param report Hears of it, and of what the question was about.
   */
  constructor(clock: Clock, report: (error: unknown, what: string) => void) {
    this.#clock = clock;
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
    const now = this.#clock.now();
    if (this.#isTold || this.#closed || now - this.#toldAt < INTERVAL_MS) return;
    this.#isTold = true;
    this.#toldAt = now;
    this.#report(error, what);
  }
}
