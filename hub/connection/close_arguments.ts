/**
 * What a connection is closed with, as the application gives it: checked before anything is closed.
 *
 * @module
 */

import { CLOSE_CODES } from "../../contract/mod.ts";
import { type Place, wrong } from "../../contract/options/read_options.ts";

const inCode: Place = { owner: "close", path: "code" };

/**
 * Reads a close code.
 *
 * @param code What was given; `undefined` stands for `CLOSE_CODES.DISCONNECTED`.
 * @throws {TypeError} When it is no number.
 * @throws {RangeError} When it is a number that an application cannot close with.
 */
export function readCloseCode(code: unknown): number {
  if (code === undefined) return CLOSE_CODES.DISCONNECTED;
  // As for a WebSocket of the platform: all other codes are the protocol's.
  const free = Number.isInteger(code) && (code as number) >= 3000 && (code as number) <= 4999;
  if (free || code === 1000) return code as number;
  throw wrong(code, inCode, "a whole number from 3000 to 4999, or 1000");
}

/**
 * Reads the reason of a close.
 *
 * @param reason What was given; `undefined` stands for the usual one.
 * @throws {TypeError} When it is no text.
 */
export function readCloseReason(reason: unknown): string {
  return readReason(reason, "close") ?? "Disconnected by the application";
}

/**
 * Reads why an application ends something.
 *
 * @param reason What was given.
 * @param owner What it was given to.
 * @throws {TypeError} When it is no text.
 */
export function readReason(reason: unknown, owner: string): string | undefined {
  if (reason === undefined || typeof reason === "string") return reason;
  throw wrong(reason, { owner, path: "reason" }, "a text");
}
