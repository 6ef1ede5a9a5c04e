/**
 * Questions that wait for their answer: by timeout, abort signal, answer, or the end of the link.
 *
 * @module
 */

import type { WebAbortSignal } from "./platform/types.ts";
import { abortReason, throwIfAborted } from "./abort_reason.ts";
import type { Clock } from "./clock.ts";
import { defer } from "./deferred.ts";
import { fromWireError, HubError, type WireError } from "./errors.ts";

/** How long and how patiently to wait for an answer. */
export interface CallOptions {
  /** How long to wait, in milliseconds. A default is documented where the option is taken. */
  readonly timeoutMs?: number;
  /** Gives up when aborted; the promise rejects with the signal's reason. */
  readonly signal?: WebAbortSignal;
}

/** The options of a question, complete: it never waits for ever. */
export interface AskOptions extends CallOptions {
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /** How long it may take in all, for the error of one that has waited before. */
  readonly inAllMs?: number;
}

/** A wait that ends by itself when its time is over, or its signal is aborted. */
export interface Wait {
  /** Begins it anew. */
  extend(): void;
  /** Ends it. */
  free(): void;
}

/**
 * Waits, as long as the options say.
 *
 * @param clock Where the timeout comes from.
 * @param options How long to wait, `Infinity` without an end, and what gives up earlier.
 * @param late Makes the error of a wait that took too long.
 * @param giveUp Takes that error, or the signal's reason. It frees the wait.
 */
export function waitAtMost(
  clock: Clock,
  { timeoutMs, signal }: CallOptions & { readonly timeoutMs: number },
  late: () => Error,
  giveUp: (error: unknown) => void,
): Wait {
  const onAbort = () => giveUp(abortReason(signal!));
  const start = () => timeoutMs === Infinity ? () => {} : clock.after(timeoutMs, () => giveUp(late()));
  let stop = start();
  signal?.addEventListener("abort", onAbort, { once: true });
  return {
    extend() {
      stop();
      stop = start();
    },
    free() {
      stop();
      signal?.removeEventListener("abort", onAbort);
    },
  };
}

interface Pending {
  readonly name: string;
  resolve(output: unknown): void;
  reject(error: unknown): void;
  readonly wait: Wait;
}

/** The questions of one link that have no answer yet. Every way out frees the entry, its timer and its listener. */
export class PendingCalls {
  readonly #clock: Clock;
  readonly #calls = new Map<number, Pending>();
  #lastId = 0;

  /**
   * Starts without questions.
   *
   * @param clock Where the timeouts come from.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many questions have no answer yet. */
  get size(): number {
    return this.#calls.size;
  }

  /**
   * Opens a question.
   *
   * @param name What is asked, for error messages.
   * @param options How long and how patiently to wait.
   * @param cancelled Called when the asker gives up (timeout or abort), so that the other side can be told.
   * @returns The id to send, and the answer: it rejects with `TIMEOUT`, the signal's reason, the other side's error,
   * or whatever {@linkcode PendingCalls.failAll} is given.
   */
  open(
    name: string,
    options: AskOptions,
    cancelled: (id: number) => void,
  ): { readonly id: number; readonly answer: Promise<unknown> } {
    const { promise: answer, resolve, reject } = defer<unknown>();
    return { id: this.ask(name, options, cancelled, resolve, reject), answer };
  }

  /** The id of a question that is about to be asked, with others of its kind. */
  reserve(): number {
    return ++this.#lastId;
  }

  /**
   * Opens a question whose answer is taken in the moment in which it arrives, before whatever arrives behind it.
   *
   * @param name As for {@linkcode PendingCalls.open}, as are the next two.
   * @param resolve Takes the answer.
   * @param reject Takes the error in its place; after `cancelled`.
   * @param id Its id, where that was reserved.
   * @returns The id to send.
   */
  ask(
    name: string,
    options: AskOptions,
    cancelled: (id: number) => void,
    resolve: (output: unknown) => void,
    reject: (error: unknown) => void,
    id: number = this.reserve(),
  ): number {
    throwIfAborted(options.signal);
    const { timeoutMs, inAllMs = timeoutMs } = options;
    const late = () => new HubError("TIMEOUT", `No answer to "${name}" within ${inAllMs} ms`);
    const wait = waitAtMost(this.#clock, options, late, (error) => {
      this.#take(id);
      cancelled(id);
      reject(error);
    });
    this.#calls.set(id, { name, resolve, reject, wait });
    return id;
  }

  /**
   * Answers a question. Late answers, and answers to what was never asked, are ignored.
   *
   * @param id The question's id.
   * @param output The answer.
   */
  resolve(id: number, output: unknown): void {
    this.#take(id)?.resolve(output);
  }

  /**
   * Begins the wait for an answer anew: the other side is at work.
   *
   * @param id The question's id.
   */
  extend(id: number): void {
    this.#calls.get(id)?.wait.extend();
  }

  /**
   * Answers a question with the other side's error.
   *
   * @param id The question's id.
   * @param error The error as it came over the wire, or one of our own.
   */
  reject(id: number, error: WireError): void {
    this.#take(id)?.reject(fromWireError(error));
  }

  /**
   * Nobody wants the answer to a question any more: neither is called.
   *
   * @param id The question's id; of none where there is none.
   */
  forget(id: number | undefined): void {
    this.#take(id);
  }

  /**
   * Ends every question at once: the link is gone.
   *
   * @param error Makes the error of one question from its name.
   */
  failAll(error: (name: string) => Error): void {
    for (const [id, { name }] of this.#calls) this.#take(id)?.reject(error(name));
  }

  #take(id: number | undefined): Pending | undefined {
    const call = this.#calls.get(id!);
    if (call) {
      this.#calls.delete(id!);
      call.wait.free();
    }
    return call;
  }
}
