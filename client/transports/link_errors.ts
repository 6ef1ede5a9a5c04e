/**
 * The errors for a link that could not be opened, or that was closed.
 *
 * @module
 */

import * as CLOSE_CODES from "../../contract/close_codes.ts";
import { HubError, isHubError } from "../../contract/mod.ts";

/** The error code for each close code. */
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

/** Whether an error of the user's token function means that a retry makes no sense. */
export function isRefusal(error: unknown): error is HubError {
  return isHubError(error) && (error.code === "UNAUTHENTICATED" || error.code === "FORBIDDEN");
}

/**
 * Turns any thrown value into a `HubError`. An application's codec may throw any value.
 *
 * @param cause The thrown value.
 * @param message What failed. Used if the value is not a `HubError`.
 */
export function toHubError(cause: unknown, message: string): HubError {
  return isHubError(cause) ? cause : new HubError("BAD_REQUEST", message, { cause: cause ?? undefined });
}
