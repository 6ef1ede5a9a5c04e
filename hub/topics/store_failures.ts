/**
 * Reports to the application that a store of histories fails. Clients get an error, and retry.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import { isPromise } from "../backplane/deadline.ts";

/** The least time between two reports when some calls work and others fail, in milliseconds. */
const INTERVAL_MS = 10_000;

/** Reports the first failed call. Then it is silent until a call works. */
export class StoreFailures {
  readonly #clock: Clock;
  readonly #report: (error: unknown, what: string) => void;
  #isTold = false;
  #toldAt = -Infinity;
  #closed = false;

  /**
   * @param clock The clock.
   * @param report Called with the error, and with the subject of the call.
   */
  constructor(clock: Clock, report: (error: unknown, what: string) => void) {
    this.#clock = clock;
    this.#report = report;
  }

  /**
   * Calls the store, and watches the result.
   *
   * @param what The subject of the call.
   * @param ask Calls the store.
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

  /** The hub is closed: later failures are not reported. */
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
