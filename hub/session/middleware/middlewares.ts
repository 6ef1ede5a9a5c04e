/**
 * What the application runs around requests, signals and subscriptions; see `Hub.use`.
 *
 * @module
 */

import { type Clock, HubError, promiseOf } from "../../../contract/mod.ts";
import { checkListener } from "../../../contract/options/check_listener.ts";
import type { Connection } from "../../connection/connection.ts";
import type { HubErrorInfo } from "../../api/options.ts";

/** What a client asks for, its types forgotten. */
export interface CallInfo {
  readonly kind: "request" | "signal" | "subscription";
  readonly name: string;
  readonly role: string;
  readonly conn: Connection;
  readonly signal: AbortSignal;
  /** Of requests and signals. */
  readonly input?: unknown;
  /** Of requests. */
  readonly id?: string | undefined;
  /** Of subscriptions. */
  readonly topic?: string;
  /** Of subscriptions. */
  readonly params?: Readonly<Record<string, string>>;
}

/** A function of the application's, its types forgotten. */
export type Around = (call: CallInfo, next: () => Promise<unknown>) => unknown;

/** A call on its way through all functions. */
export interface Passage {
  /** What becomes of the call. */
  readonly outcome: Promise<unknown>;
  /** Resolves when it has come to the handler, or will not; absent where that is so already. */
  readonly arrival: Promise<void> | undefined;
}

/** What {@linkcode Middlewares} needs. */
export interface MiddlewaresOptions {
  readonly clock: Clock;
  /** How long it may take to the handler, in milliseconds. */
  readonly timeoutMs: number;
  /** Reports what no client is told. */
  onError(error: unknown, info: HubErrorInfo): void;
}

/** The functions, in the order in which they were given. */
export class Middlewares {
  readonly #options: MiddlewaresOptions;
  #all: readonly Around[] = [];
  /** Errors of clients that the hub has heard of already, in other words. */
  readonly #told = new WeakSet<HubError>();

  /** @param options What they need. */
  constructor(options: MiddlewaresOptions) {
    this.#options = options;
  }

  /** Whether there are any: then calls take the way through them. */
  get some(): boolean {
    return this.#all.length > 0;
  }

  /** Whether an error has been reported, in words for whoever runs the hub. */
  hasTold(error: unknown): boolean {
    return this.#told.has(error as HubError);
  }

  /** See `Hub.use`. A call that is under way keeps those that it began with. */
  use(given: unknown): void {
    checkListener(given, "use");
    this.#all = [...this.#all, given as Around];
  }

  /**
   * Runs all of them, and the handler. Whoever does not get there in time is refused.
   *
   * @param call What is asked for.
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
      const text = `A function of hub.use has not called next() for ${nameOf(call)} within ${timeoutMs} ms`;
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
   * Runs all of them around a decision, which whoever calls this bounds in time.
   *
   * @param call What is asked for.
   * @param decide Decides, or throws.
   */
  around(call: CallInfo, decide: () => unknown): Promise<unknown> {
    return this.#way(call, decide).outcome;
  }

  /** The way of one call. Cut, it goes no further. */
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
          else if (rest) report(error); // of the other the call has failed already
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
            }, which is lost: call next(), or throw what the ` +
              "client is to be told",
          );
        }
      } catch (error) {
        if (rest && !restIsOver) rest.catch(report); // the client is told something else
        throw error;
      } finally {
        isOver = true;
      }
      return await rest;
    };
    return { outcome: go(0), cut: (error) => void (cut = error) };
  }
}

/** A rejection that ends no process when nobody looks at it. */
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
