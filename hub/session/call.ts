/**
 * A request or signal that is being handled.
 *
 * @module
 */

import { Abortable } from "../connection/abortable.ts";
import type { Connection } from "../connection/connection.ts";
import type { CallContext } from "./handler_table.ts";
import type { CallInfo } from "./middleware/middlewares.ts";
import type { Asked } from "./once/once.ts";
import type { PendingFrame } from "./pending_bytes.ts";

/** The step at which a request failed. */
export type FailedAt = "input" | "handler" | "output";

/** The first argument of a function of `hub.use`. */
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

/** The identity of a request with an id: the same on any node and at any time. */
export function askedBy(conn: Connection, name: string, id: string, input: unknown): Asked {
  const { role, userId, address, id: connection } = conn;
  const owner = userId === undefined ? `address ${address ?? connection}` : `user ${userId}`;
  return { role, userId, owner, name, id, input };
}

/** A request or signal that is being handled. Aborted when the client cancels it, or is gone. */
export class Call extends Abortable implements CallContext {
  readonly conn: Connection;
  /** The frame that it came in, if its answer takes time. With a frame the client may cancel it. */
  frame: PendingFrame | undefined;
  /** The identity of the request; absent when the client gave no id. */
  readonly asked: Asked | undefined;
  /** Lets the next message be handled, while this one's schema or middleware takes time. */
  letGo: (() => void) | undefined;

  /**
   * @param conn The connection that sent it.
   * @param asked The identity of the request, if the client gave an id.
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
