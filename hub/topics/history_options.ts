/**
 * The options of a publish on a topic with history.
 *
 * @module
 */

import { ownId } from "../../contract/options/option_kinds.ts";
import { optional, readOptions, type Rows, wrong } from "../../contract/options/read_options.ts";
import type { PublishOptions } from "../api/history.ts";

/** The options of a publish. */
export const PUBLISH = {
  id: optional(ownId),
  tx: optional((value, place) => {
    if (Object(value) === value) return value as object;
    throw wrong(value, place, "a transaction of a client of the database");
  }),
} satisfies Rows<PublishOptions>;

/**
 * Reads the options of a publish. Without options it costs nothing.
 *
 * @param given The options, as the application gave them.
 * @throws {TypeError} When one is unknown, or not of its type.
 */
export function readPublishOptions(given: unknown): PublishOptions | undefined {
  return given === undefined ? undefined : readOptions("publish", given, PUBLISH);
}
