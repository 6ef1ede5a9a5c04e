/**
 * Sends errors to a client.
 *
 * @module
 */

import { toWireError, type WireError } from "../../contract/mod.ts";
import type { Connection } from "../connection/connection.ts";
import type { HubErrorInfo } from "../api/options.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";

/**
 * Sends an error. If its `data` cannot be encoded, reports that and sends the error without it.
 *
 * @param conn The client.
 * @param error The error that was thrown.
 * @param message Makes the message.
 * @param onError Reports `data` that cannot be encoded.
 */
export function sendError(
  conn: Connection,
  error: unknown,
  message: (wire: WireError) => OutgoingMessage,
  onError: (error: unknown, info: HubErrorInfo) => void,
): void {
  const wire = toWireError(error);
  try {
    conn.outbox.pushOwn(message(wire));
  } catch (failure) {
    onError(failure, { stage: "output", connectionId: conn.id });
    conn.outbox.pushOwn(message({ code: wire.code, message: wire.message }));
  }
}
