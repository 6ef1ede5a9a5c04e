/**
 * Requests that wait for an answer. A wait ends with the answer, a timeout, an abort signal, or the end of the link.
 *
 * @module
 */

import type { WebAbortSignal } from "./platform/types.ts";
import { abortReason, throwIfAborted } from "./abort_reason.ts";
import type { Clock } from "./clock.ts";
import { defer } from "./deferred.ts";
import { fromWireError, HubError, type WireError } from "./errors.ts";

/** How long to wait for an answer, and what ends the wait early. */
export interface CallOptions {
  /** How long to wait, in milliseconds. The method that takes the option documents its default. */
  readonly timeoutMs?: number;
  /** Ends the wait when it is aborted. The promise rejects with the signal's reason. */
  readonly signal?: WebAbortSignal;
}

/** The complete options of a request. The timeout is required, so that no request waits for ever by mistake. */
export interface AskOptions extends CallOptions {
  /** How long to wait, in milliseconds. */
  readonly timeoutMs: number;
  /** The whole time of the request, for the error text, if it has already waited before this. In milliseconds. */
  readonly inAllMs?: number;
}

/** A wait that ends by itself when its time is over or its signal is aborted. */
export interface Wait {
  /** Starts the time again from zero. */
  extend(): void;
  /** Ends the wait. */
  free(): void;
}

/**
 * Waits for as long as the options say.
 *
 * @param clock The clock of the timeout.
 * @param options How long to wait (`Infinity`: no timeout), and the signal that ends the wait early.
 * @param late Makes the error for a wait that took too long.
 * @param giveUp Gets that error, or the signal's reason. It must call `free` on the wait.
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

/**
 * The requests of one link that have no answer yet. However a request ends, its entry, timer and listener are freed.
 */
export class PendingCalls {
  readonly #clock: Clock;
  readonly #calls = new Map<number, Pending>();
  #lastId = 0;

  /**
   * Starts without any request.
   *
   * @param clock The clock of the timeouts.
   */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many requests have no answer yet. */
  get size(): number {
    return this.#calls.size;
  }

  /**
   * Opens a request.
   *
   * @param name The request's name, for error messages.
   * @param options How long to wait, and what ends the wait early.
   * @param cancelled Called when the caller gives up (timeout or abort), so that the other side can be told.
   * @returns The id to send, and the answer. It rejects with `TIMEOUT`, the signal's reason, the other side's error,
   * or the error that {@linkcode PendingCalls.failAll} makes.
   */
  open(
    name: string,
    options: AskOptions,
    cancelled: (id: number) => void,
  ): { readonly id: number; readonly answer: Promise<unknown> } {
    const { promise: answer, resolve, reject } = defer<unknown>();
    return { id: this.ask(name, options, cancelled, resolve, reject), answer };
  }

  /** Reserves the id of a request that is sent later, together with others. */
  reserve(): number {
    return ++this.#lastId;
  }

  /**
   * Opens a request whose answer is handled at the moment it arrives, before any later message.
   *
   * @param name As for {@linkcode PendingCalls.open}; so are the next two.
   * @param resolve Gets the answer.
   * @param reject Gets the error, if there is no answer. Called after `cancelled`.
   * @param id The request's id, if it was reserved.
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
   * Answers a request. Ignores late answers and answers to unknown ids.
   *
   * @param id The request's id.
   * @param output The answer.
   */
  resolve(id: number, output: unknown): void {
    this.#take(id)?.resolve(output);
  }

  /**
   * Starts the wait for an answer again: the other side is at work.
   *
   * @param id The request's id.
   */
  extend(id: number): void {
    this.#calls.get(id)?.wait.extend();
  }

  /**
   * Answers a request with the other side's error.
   *
   * @param id The request's id.
   * @param error The error as it came over the wire, or an error of this side.
   */
  reject(id: number, error: WireError): void {
    this.#take(id)?.reject(fromWireError(error));
  }

  /**
   * Removes a request whose answer is no longer wanted. Neither `resolve` nor `reject` is called.
   *
   * @param id The request's id. `undefined` does nothing.
   */
  forget(id: number | undefined): void {
    this.#take(id);
  }

  /**
   * Rejects every request at once, because the link is gone.
   *
   * @param error Makes the error of a request from its name.
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
