/**
 * The options of the calls of a hub.
 *
 * @module
 */

import type { CallOptions } from "../../contract/mod.ts";
import { abortSignal, ms } from "../../contract/options/option_kinds.ts";
import { optional, readOptions, type Rows } from "../../contract/options/read_options.ts";

/** A question to a client may wait for ever: it ends with its connection. */
export const CLIENT_CALL = {
  timeoutMs: optional(ms({ max: Infinity })),
  signal: optional(abortSignal),
} satisfies Rows<CallOptions>;

/** A question to nodes ends by itself. */
export const NODE_CALL = {
  timeoutMs: optional(ms()),
  signal: optional(abortSignal),
} satisfies Rows<CallOptions>;

const NONE: CallOptions = {};

/**
 * Reads the options of a question to a client.
 *
 * @param given What the user gave.
 * @throws {TypeError} When one is unknown, or not of its type.
 * @throws {RangeError} When the timeout is out of its range.
 */
export function readClientCall(given: unknown): CallOptions {
  return given === undefined ? NONE : readOptions("request", given, CLIENT_CALL);
}

/**
 * Reads the options of a question to other nodes.
 *
 * @param owner The function that takes them, for errors.
 * @param given What the user gave.
 * @throws {TypeError} When one is unknown, or not of its type.
 * @throws {RangeError} When the timeout is out of its range.
 */
export function readNodeCall(owner: string, given: unknown): CallOptions {
  return given === undefined ? NONE : readOptions(owner, given, NODE_CALL);
}
