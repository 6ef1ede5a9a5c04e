/**
 * What may be asked of a topic with history.
 *
 * @module
 */

import { count, flag, ownId, text } from "../../contract/options/option_kinds.ts";
import { bag, optional, readOptions, type Rows, wrong } from "../../contract/options/read_options.ts";
import type { HistoryQuery, Published, PublishOptions } from "../api/history.ts";

const QUERY = {
  since: optional(bag({ epoch: text, offset: count({ min: 0 }) } satisfies Rows<Published>)),
  limit: optional(count({ min: 0, max: Infinity })),
  reverse: optional(flag),
} satisfies Rows<HistoryQuery>;

const PUBLISH = {
  id: optional(ownId),
  tx: optional((value, place) => {
    if (Object(value) === value) return value as object;
    throw wrong(value, place, "a transaction of a client of the database");
  }),
} satisfies Rows<PublishOptions>;

/**
 * Reads a query of a history.
 *
 * @param given What the user gave.
 * @throws {TypeError} When a part is unknown, or not of its type.
 * @throws {RangeError} When a number is out of its range.
 */
export function readHistoryQuery(given: unknown): HistoryQuery {
  return readOptions("history", given, QUERY);
}

/**
 * Reads the options of a publish. Without any it costs nothing.
 *
 * @param given What the user gave.
 * @throws {TypeError} When one is unknown, or not of its type.
 */
export function readPublishOptions(given: unknown): PublishOptions | undefined {
  return given === undefined ? undefined : readOptions("publish", given, PUBLISH);
}
