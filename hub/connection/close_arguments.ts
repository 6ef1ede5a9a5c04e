/**
 * Why an application ends something, as it gives it: checked before anything is ended.
 *
 * @module
 */

import { CLOSE_CODES } from "../../contract/mod.ts";
import { CLOSE } from "../../contract/options/close_options.ts";
import { readOptions, wrong } from "../../contract/options/read_options.ts";

/** What a connection is closed with. */
export interface Closing {
  /** The close code. */
  readonly code: number;
  /** For a person. */
  readonly reason: string;
}

/**
 * Reads what to close a connection with.
 *
 * @param options What was given.
 * @throws {TypeError} When it is no bag of options, or the reason no text or too long.
 * @throws {RangeError} When the code is a number that an application cannot close with.
 */
export function readClosing(options: unknown): Closing {
  const { code, reason } = readOptions("close", options, CLOSE);
  return toClosing(code, reason);
}

/**
 * Fills in what an application has not said.
 *
 * @param code The close code.
 * @param reason For a person.
 */
export function toClosing(
  code: number = CLOSE_CODES.DISCONNECTED,
  reason: string = "Disconnected by the application",
): Closing {
  return { code, reason };
}

/**
 * Reads why an application ends a subscription.
 *
 * @param reason What was given.
 * @param owner What it was given to.
 * @throws {TypeError} When it is no text.
 */
export function readReason(reason: unknown, owner: string): string | undefined {
  if (reason === undefined || typeof reason === "string") return reason;
  throw wrong(reason, { owner, path: "reason" }, "a text");
}
