/**
 * A request or signal on its way through a handler.
 *
 * @module
 */

import { Abortable } from "../connection/abortable.ts";
import type { Connection } from "../connection/connection.ts";
import type { CallContext } from "./handler_table.ts";
import type { CallInfo } from "./middleware/middlewares.ts";
import type { Asked } from "./once/once.ts";
import type { PendingFrame } from "./pending_bytes.ts";

/** Where a request has failed. */
export type FailedAt = "input" | "handler" | "output";

/** What the application is told of a call that runs through what it gave to `use`. */
export function infoOf(kind: "request" | "signal", name: string, input: unknown, call: Call): CallInfo {
  const { conn, id } = call;
  return {
    kind,
    name,
    role: conn.role,
    conn,
    input,
    ...(kind === "request" && { id }),
    get signal() {
      return call.signal;
    },
  };
}

/** What makes a request the same wherever and whenever it is sent. */
export function askedBy(conn: Connection, name: string, id: string, input: unknown): Asked {
  const { role, userId, address, id: connection } = conn;
  const owner = userId === undefined ? `address ${address ?? connection}` : `user ${userId}`;
  return { role, userId, owner, name, id, input };
}

/** A request or signal that is being handled. Aborted when the client takes it back, or is gone. */
export class Call extends Abortable implements CallContext {
  readonly conn: Connection;
  /** The frame that it came in, where its answer takes time: so it may be taken back meanwhile. */
  frame: PendingFrame | undefined;
  /** What is to be done once; absent where the client gives no id. */
  readonly asked: Asked | undefined;
  /** Ends the waiting of what was said after it, while its schema takes its time. */
  letGo: (() => void) | undefined;

  /**
   * @param conn Who has sent it.
   * @param asked What is to be done once, if so.
   */
  constructor(conn: Connection, asked?: Asked) {
    super();
    this.conn = conn;
    this.asked = asked;
  }

  get id(): string | undefined {
    return this.asked?.id;
  }
}
