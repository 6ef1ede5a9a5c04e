/**
 * The calls of the application, and what becomes of their errors. If no code listens to a promise, its error is
 * reported, and does not end the process.
 *
 * @module
 */

import { type Clock, systemClock } from "../../contract/mod.ts";
import { Drops } from "./drops.ts";
import { isForClient, isOutage, ownOf, type Signalled } from "./own_errors.ts";
import type { HubErrorInfo } from "../api/options.ts";

/** A promise that knows whether any code listens to it: `await`, `then`, `catch`, `finally` or `Promise.all`. */
class Answer<T> extends Promise<T> {
  #isHeard = false;

  /** Promises that are made from this one are plain promises: the code that makes them answers for them. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  static isHeard(answer: Answer<unknown>): boolean {
    return answer.#isHeard;
  }

  /** The platform calls it for every way to listen: `await` too, because this is a subclass. */
  override then<A = T, B = never>(
    resolved?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    this.#isHeard = true;
    return super.then(resolved, rejected);
  }
}

/** The least time between two reports of one kind of outage that handlers ran into, in milliseconds. */
const OUTAGE_MS = 10_000;

/** Runs calls whose promises the application may forget to await. */
export class AppCalls {
  readonly #clock: Clock;
  readonly #onError: (error: unknown, info: HubErrorInfo) => void;
  /** When handlers last reported an outage, by code. */
  readonly #outages = new Map<string, number>();
  /** Counts the errors that no code heard, because an outage meets every call. */
  readonly #unheard: Drops;
  #closed = false;

  /**
   * @param clock The clock for the reports of outages.
   * @param onError Gets the error of a call if no code listens to its promise.
   */
  constructor(clock: Clock, onError: (error: unknown, info: HubErrorInfo) => void) {
    this.#clock = clock;
    this.#onError = onError;
    this.#unheard = new Drops(clock, (error, name, count) => {
      onError(error, count === 1 ? { stage: "call", name } : { stage: "call", name, count });
    });
  }

  /** Reports what was only counted so far. Later errors are reported at the end of their turn. */
  close(): void {
    this.#closed = true;
    this.#unheard.close();
  }

  /**
   * Runs a call. Its errors count as the hub's own.
   *
   * @param name The topic, room or message of the call, for reports.
   * @param call Runs it. What it throws rejects the promise.
   * @param options The options of the call, with the signal that the application gave, if it did.
   * @returns The promise for the application.
   */
  run<T>(name: string, call: () => T | Promise<T>, options?: Signalled): Promise<T> {
    return this.#run(name, call, (error) => ownOf(error, options));
  }

  /** Runs a call whose errors may come from the other side, as the answer of a client. */
  ask<T>(name: string, call: () => T | Promise<T>): Promise<T> {
    return this.#run(name, call, (error) => error);
  }

  /**
   * Code of the application has thrown an error. Reports it, unless it is for the client. The error of an answer that
   * does not fit is never for the client. Outages are reported once in a while, because every call runs into them.
   */
  thrown(error: unknown, info: HubErrorInfo): void {
    if (info.stage !== "output" && isForClient(error)) return;
    if (isOutage(error)) {
      const now = this.#clock.now();
      if (now - (this.#outages.get(error.code) ?? -Infinity) < OUTAGE_MS) return;
      this.#outages.set(error.code, now);
    }
    this.#onError(error, info);
  }

  #run<T>(name: string, call: () => T | Promise<T>, mark: (error: unknown) => unknown): Promise<T> {
    let value: T | Promise<T>;
    try {
      value = call();
    } catch (error) {
      value = Promise.reject(error);
    }
    if (!(value instanceof Promise)) return Promise.resolve(value);
    const later = value;
    const answer: Answer<T> = new Answer<T>((resolve, reject) => {
      later.then(resolve, (error) => {
        answered(answer); // before it rejects: otherwise the platform counts it as unhandled
        reject(mark(error));
        if (Answer.isHeard(answer)) return;
        // The platform's own turn, and not that of the hub's clock: the platform, too, waits for a listener until its end.
        systemClock.endOfTurn(() => {
          if (Answer.isHeard(answer)) return;
          this.#unheard.add(error, name);
          if (this.#closed) systemClock.endOfTurn(() => this.#unheard.close());
        });
      });
    });
    return answer;
  }
}

const nativeThen = Promise.prototype.then;

/** Tells the platform that the errors of a promise are handled. It does not count as listening. */
function answered(promise: Promise<unknown>): void {
  void nativeThen.call(promise, undefined, () => {});
}
