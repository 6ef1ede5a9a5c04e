/**
 * The options that read a history.
 *
 * @module
 */

import type { HistoryQuery, Published } from "./history.ts";
import { count, flag, text, wholeMs } from "../options/option_kinds.ts";
import { bag, optional, readOptions, type Rows } from "../options/read_options.ts";

/** A position in a history. */
export const HISTORY_POSITION = { epoch: text, offset: count({ min: 0 }) } satisfies Rows<Published>;

const QUERY = {
  since: optional(bag(HISTORY_POSITION)),
  limit: optional(count({ min: 0, max: Infinity })),
  reverse: optional(flag),
} satisfies Rows<HistoryQuery>;

/**
 * Reads a query of a history.
 *
 * @param given The query that the user gave.
 * @throws {TypeError} When a part is unknown, or not of its type.
 * @throws {RangeError} When a number is out of its range.
 */
export function readHistoryQuery(given: unknown): HistoryQuery {
  return readOptions("history", given, QUERY);
}

/** Where a subscription or an iteration begins: give one of the two. */
export const REWIND = {
  last: optional(count()),
  sinceMs: optional(wholeMs({ max: Number.MAX_SAFE_INTEGER })),
};
