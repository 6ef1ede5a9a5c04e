/**
 * A request or signal on its way through a handler.
 *
 * @module
 */

import type { HubError } from "../contract/mod.ts";
import type { Connection } from "./connection.ts";
import type { CallContext } from "./handlers.ts";

/** Where a request has failed. */
export type FailedAt = "input" | "handler" | "output";

/** A request or signal that is being handled; its abort signal is made when somebody looks at it. */
export class Call implements CallContext {
  readonly conn: Connection;
  /** Whether its answer takes time, so that it may be taken back meanwhile. */
  awaited = false;
  #aborter: AbortController | undefined;
  #reason: HubError | undefined;

  /** @param conn Who has sent it. */
  constructor(conn: Connection) {
    this.conn = conn;
  }

  get signal(): AbortSignal {
    this.#aborter ??= new AbortController();
    if (this.#reason) this.#aborter.abort(this.#reason);
    return this.#aborter.signal;
  }

  /** The client has taken it back, or is gone. */
  abort(reason: HubError): void {
    this.#reason = reason;
    this.#aborter?.abort(reason);
  }
}

/** Whether a handler takes its time. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
