/**
 * A request or signal on its way through a handler.
 *
 * @module
 */

import { Abortable } from "../connection/abortable.ts";
import type { Connection } from "../connection/connection.ts";
import type { CallContext } from "./handler_table.ts";
import type { PendingFrame } from "./pending_bytes.ts";

/** Where a request has failed. */
export type FailedAt = "input" | "handler" | "output";

/** A request or signal that is being handled. Aborted when the client takes it back, or is gone. */
export class Call extends Abortable implements CallContext {
  readonly conn: Connection;
  /** The frame that it came in, where its answer takes time: so it may be taken back meanwhile. */
  frame: PendingFrame | undefined;
  /** Ends the waiting of what was said after it, while its schema takes its time. */
  letGo: (() => void) | undefined;

  /** @param conn Who has sent it. */
  constructor(conn: Connection) {
    super();
    this.conn = conn;
  }
}
