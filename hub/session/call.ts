/**
 * A request or signal on its way through a handler.
 *
 * @module
 */

import { Abortable } from "../connection/abortable.ts";
import type { Connection } from "../connection/connection.ts";
import type { CallContext } from "./handler_table.ts";

/** Where a request has failed. */
export type FailedAt = "input" | "handler" | "output";

/** A request or signal that is being handled. Aborted when the client takes it back, or is gone. */
export class Call extends Abortable implements CallContext {
  readonly conn: Connection;
  /** Whether its answer takes time, so that it may be taken back meanwhile. */
  awaited = false;

  /** @param conn Who has sent it. */
  constructor(conn: Connection) {
    super();
    this.conn = conn;
  }
}

/** Whether a handler takes its time. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof (value as { then?: unknown } | null | undefined)?.then === "function";
}
