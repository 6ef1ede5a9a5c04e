/**
 * Sends errors to a client.
 *
 * @module
 */

import type { WireError } from "../../contract/mod.ts";
import { toClientError } from "../connection/own_errors.ts";
import type { Connection } from "../connection/connection.ts";
import type { HubErrorInfo } from "../api/options.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";

/**
 * What a client is told instead of an error that only the server may know.
 *
 * @param name The request or signal that failed, if it was one.
 */
export function internalError(name?: string): string {
  const what = name === undefined ? "Internal error" : `Cannot handle "${name}": internal error`;
  return `${what}, see onError of the server`;
}

/** Stands for an answer that does not fit the contract: what is wrong with it is reported, and not sent. */
export const UNFIT = new Error("The output does not fit the contract");

/**
 * Sends an error. If its `data` cannot be encoded, reports that and sends the error without it.
 *
 * @param conn The client.
 * @param error The error that was thrown.
 * @param message Makes the message.
 * @param onError Reports `data` that cannot be encoded.
 * @param name The request or signal that failed.
 */
export function sendError(
  conn: Connection,
  error: unknown,
  message: (wire: WireError) => OutgoingMessage,
  onError: (error: unknown, info: HubErrorInfo) => void,
  name?: string,
): void {
  const wire = toClientError(error, internalError(name));
  try {
    conn.outbox.pushOwn(message(wire));
  } catch (failure) {
    onError(failure, { stage: "output", connectionId: conn.id });
    conn.outbox.pushOwn(message({ code: wire.code, message: wire.message }));
  }
}
