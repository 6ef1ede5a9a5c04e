/**
 * Checks the code and the reason with which an application closes a connection or ends a subscription.
 *
 * @module
 */

import { CLOSE_CODES } from "../../contract/mod.ts";
import { CLOSE } from "../../contract/options/close_options.ts";
import { readOptions, wrong } from "../../contract/options/read_options.ts";

/** The code and the reason of a close. */
export interface Closing {
  /** The close code. */
  readonly code: number;
  /** A text for people. */
  readonly reason: string;
}

/**
 * Reads the options of a close.
 *
 * @param options The options of the caller.
 * @throws {TypeError} When it is not an object of options, or the reason is not text or too long.
 * @throws {RangeError} When an application may not close with this code.
 */
export function readClosing(options: unknown): Closing {
  const { code, reason } = readOptions("close", options, CLOSE);
  return toClosing(code, reason);
}

/**
 * Fills in the defaults.
 *
 * @param code The close code.
 * @param reason A text for people.
 */
export function toClosing(
  code: number = CLOSE_CODES.DISCONNECTED,
  reason: string = "Disconnected by the application",
): Closing {
  return { code, reason };
}

/**
 * Reads the reason for which an application ends a subscription.
 *
 * @param reason The reason of the caller.
 * @param owner The function that takes the reason, for errors.
 * @throws {TypeError} When it is not text.
 */
export function readReason(reason: unknown, owner: string): string | undefined {
  if (reason === undefined || typeof reason === "string") return reason;
  throw wrong(reason, { owner, path: "reason" }, "a text");
}
