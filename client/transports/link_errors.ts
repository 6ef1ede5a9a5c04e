/**
 * What it means to whoever waits for a connection that a link could not be opened, or was closed.
 *
 * @module
 */

import * as CLOSE_CODES from "../../contract/close_codes.ts";
import { HubError, isHubError } from "../../contract/mod.ts";

/** What the close codes mean to whoever waits for the connection. */
export const ERROR_OF_CLOSE: Readonly<Record<number, string>> = {
  [CLOSE_CODES.CONNECTION_LIMIT]: "UNAVAILABLE",
  [CLOSE_CODES.RATE_LIMITED]: "RATE_LIMITED",
  [CLOSE_CODES.PROTOCOL_ERROR]: "BAD_REQUEST",
  [CLOSE_CODES.UNAUTHENTICATED]: "UNAUTHENTICATED",
  [CLOSE_CODES.FORBIDDEN]: "FORBIDDEN",
  [CLOSE_CODES.UNSUPPORTED_VERSION]: "BAD_REQUEST",
  [CLOSE_CODES.FRAME_TOO_LARGE]: "TOO_LARGE",
  [CLOSE_CODES.DISCONNECTED]: "DISCONNECTED",
};

/** Whether an error of the user's token function says that there is no point in trying again. */
export function isRefusal(error: unknown): error is HubError {
  return isHubError(error) && (error.code === "UNAUTHENTICATED" || error.code === "FORBIDDEN");
}

/**
 * What went wrong, as everybody gets it who waits: a codec of the application's throws anything.
 *
 * @param cause What was thrown.
 * @param message What could not be done, for anything but a `HubError`.
 */
export function toHubError(cause: unknown, message: string): HubError {
  return isHubError(cause) ? cause : new HubError("BAD_REQUEST", message, { cause: cause ?? undefined });
}
