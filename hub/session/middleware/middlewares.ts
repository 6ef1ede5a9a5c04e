/**
 * Runs the functions of `Hub.use` around requests, signals and subscriptions.
 *
 * @module
 */

import { type Clock, HubError, promiseOf } from "../../../contract/mod.ts";
import { checkListener } from "../../../contract/options/check_listener.ts";
import type { Connection } from "../../connection/connection.ts";
import type { HubErrorInfo } from "../../api/options.ts";

/** A client's call, without its types. */
export interface CallInfo {
  readonly kind: "request" | "signal" | "subscription";
  readonly name: string;
  readonly role: string;
  readonly conn: Connection;
  readonly signal: AbortSignal;
  /** For requests and signals. */
  readonly input?: unknown;
  /** For requests. */
  readonly id?: string | undefined;
  /** For subscriptions. */
  readonly topic?: string;
  /** For subscriptions. */
  readonly params?: Readonly<Record<string, string>>;
}

/** A function of `Hub.use`, without its types. */
export type Around = (call: CallInfo, next: () => Promise<unknown>) => unknown;

/** A call that runs through all functions. */
export interface Passage {
  /** The result of the call. */
  readonly outcome: Promise<unknown>;
  /** Resolves when it is certain whether the handler is called. Absent when that is certain already. */
  readonly arrival: Promise<void> | undefined;
}

/** Options of {@linkcode Middlewares}. */
export interface MiddlewaresOptions {
  readonly clock: Clock;
  /** How long all functions together may take until the handler is called, in milliseconds. */
  readonly timeoutMs: number;
  /** Reports an error that no client gets. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** The functions, in the order in which the application gave them. */
export class Middlewares {
  readonly #options: MiddlewaresOptions;
  #all: readonly Around[] = [];
  /** Errors for clients that the hub has already reported in other words. */
  readonly #told = new WeakSet<HubError>();

  /** @param options Its options. */
  constructor(options: MiddlewaresOptions) {
    this.#options = options;
  }

  /** Whether there is any function. */
  get some(): boolean {
    return this.#all.length > 0;
  }

  /** Whether an error was already reported, in words for the hub's operator. */
  hasTold(error: unknown): boolean {
    return this.#told.has(error as HubError);
  }

  /** See `Hub.use`. A new function does not run for calls that have begun. */
  use(given: unknown): void {
    checkListener(given, "use");
    this.#all = [...this.#all, given as Around];
  }

  /**
   * Runs all functions and the handler. If the handler is not called in time, the call is refused.
   *
   * @param call The client's call.
   * @param handle Calls the handler.
   */
  pass(call: CallInfo, handle: () => unknown): Passage {
    const { clock, timeoutMs, onError } = this.#options;
    const { promise: arrival, resolve: arrive } = Promise.withResolvers<void>();
    let isThere = false;
    const arrived = () => {
      isThere = true;
      arrive();
    };
    const way = this.#way(call, () => {
      arrived();
      return handle();
    });
    if (isThere) return { outcome: way.outcome, arrival: undefined };
    const { promise: late, reject } = Promise.withResolvers<never>();
    const stop = clock.after(timeoutMs, () => {
      const text = `A function of hub.use has not called next() for ${
        nameOf(call)
      } within ${timeoutMs} ms (authorizeTimeoutMs)`;
      const { name, conn: { id: connectionId } } = call;
      onError(new HubError("TIMEOUT", text), { stage: "handler", name, connectionId });
      const error = new HubError("TIMEOUT", `Cannot use "${name}": not decided within ${timeoutMs} ms`);
      this.#told.add(error);
      way.cut(error);
      reject(error);
      arrived();
    }, { background: true });
    way.outcome.catch(() => {}).then(arrived);
    void arrival.then(stop);
    return { outcome: Promise.race([way.outcome, late]), arrival };
  }

  /**
   * Runs all functions around a decision. The caller bounds the time.
   *
   * @param call The client's call.
   * @param decide Decides, or throws.
   */
  around(call: CallInfo, decide: () => unknown): Promise<unknown> {
    return this.#way(call, decide).outcome;
  }

  /** Runs one call. After `cut` it goes no further. */
  #way(call: CallInfo, last: () => unknown): { outcome: Promise<unknown>; cut(error: HubError): void } {
    const all = this.#all;
    let cut: HubError | undefined;
    const report = (error: unknown) => {
      const { name, conn: { id: connectionId } } = call;
      this.#options.onError(error, { stage: "handler", name, connectionId });
    };
    const go = async (index: number): Promise<unknown> => {
      if (index === all.length) {
        const given = last();
        return await (promiseOf(given) ?? given);
      }
      const around = all[index]!;
      let rest = undefined as Promise<unknown> | undefined;
      let restIsOver = false, isOver = false;
      let mistake = undefined as TypeError | undefined;
      const next = (): Promise<unknown> => {
        if (cut) return rejected(cut);
        if (rest || isOver) {
          const why = rest ? "twice" : "after it had ended";
          const error = new TypeError(`${who(around)} has called next() ${why} for ${nameOf(call)}`);
          if (!isOver) mistake ??= error;
          else if (rest) report(error); // an early end without next() has failed the call already
          return rejected(error);
        }
        rest = go(index + 1);
        const over = () => void (restIsOver = true);
        rest.then(over, over);
        return rest;
      };
      try {
        await promiseOf(around(call, next));
        if (mistake) throw mistake;
        if (!rest) {
          throw new TypeError(
            `${who(around)} has ended without next() for ${
              nameOf(call)
            }, which is lost: call next(), or throw the ` +
              "error that the client should get",
          );
        }
      } catch (error) {
        if (rest && !restIsOver) rest.catch(report); // the client gets another error
        throw error;
      } finally {
        isOver = true;
      }
      return await rest;
    };
    return { outcome: go(0), cut: (error) => void (cut = error) };
  }
}

/** A rejected promise. If no code handles its error, the process does not end. */
function rejected(error: Error): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(() => {});
  return promise;
}

/** Names a function for errors. */
function who({ name }: Around): string {
  return `A function of hub.use${name && ` (${name})`}`;
}

function nameOf({ kind, name }: CallInfo): string {
  return `the ${kind} "${name}"`;
}
