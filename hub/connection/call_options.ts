/**
 * The options of a hub's calls to clients and nodes.
 *
 * @module
 */

import type { CallOptions } from "../../contract/mod.ts";
import { abortSignal, ms } from "../../contract/options/option_kinds.ts";
import { optional, readOptions, type Rows } from "../../contract/options/read_options.ts";

/** Options of a request to a client. It may have no timeout, because it ends with the connection. */
export const CLIENT_CALL = {
  timeoutMs: optional(ms({ max: Infinity })),
  signal: optional(abortSignal),
} satisfies Rows<CallOptions>;

/** Options of a request to nodes. It always has a timeout. */
export const NODE_CALL = {
  timeoutMs: optional(ms()),
  signal: optional(abortSignal),
} satisfies Rows<CallOptions>;

const NONE: CallOptions = {};

/**
 * Reads the options of a request to a client.
 *
 * @param given The options of the caller.
 * @throws {TypeError} When one is unknown, or of the wrong type.
 * @throws {RangeError} When the timeout is out of its range.
 */
export function readClientCall(given: unknown): CallOptions {
  return given === undefined ? NONE : readOptions("request", given, CLIENT_CALL);
}

/**
 * Reads the options of a request to other nodes.
 *
 * @param owner The function that takes the options, for errors.
 * @param given The options of the caller.
 * @throws {TypeError} When one is unknown, or of the wrong type.
 * @throws {RangeError} When the timeout is out of its range.
 */
export function readNodeCall(owner: string, given: unknown): CallOptions {
  return given === undefined ? NONE : readOptions(owner, given, NODE_CALL);
}
