/**
 * Limits repeated reports: a server that sends the same bad message again and again does not flood `onError`.
 *
 * @module
 */

import { type Clock, HubError, toWireError } from "../../contract/mod.ts";
import type { Report } from "./report.ts";

/** Errors of one kind are reported once in this many milliseconds. */
const REPORT_EVERY_MS = 10_000;

/**
 * The largest number of kinds. All other errors count as one kind, because a server may invent names and codes
 * without end.
 */
const MAX_KINDS = 100;

/**
 * If name and code together are longer than this, in characters, the error counts as one of the others: kinds are
 * kept for ever.
 */
const MAX_KIND_LENGTH = 300;

/**
 * Limits reports. Errors with the same stage, name and code are one kind. The first of a kind is reported at once,
 * then one in 10 seconds. It says how many were left out.
 *
 * @param report Gets the errors that are not left out.
 * @param clock The source of time.
 */
export function limitReports(report: Report, clock: Clock): Report {
  const kinds = new Map<string, { at: number; leftOut: number }>();
  return (error, info) => {
    const { code, message, data } = toWireError(error); // a schema may throw any value
    const name = JSON.stringify([info, code]);
    const apart = kinds.has(name) || (kinds.size < MAX_KINDS && name.length <= MAX_KIND_LENGTH);
    const key = apart ? name : "";
    const { at, leftOut } = kinds.get(key) ?? { at: -Infinity, leftOut: 0 };
    const now = clock.now();
    if (now - at < REPORT_EVERY_MS) return void kinds.set(key, { at, leftOut: leftOut + 1 });
    kinds.set(key, { at: now, leftOut: 0 });
    if (leftOut === 0) return report(error, info);
    const text = `${message} (and ${leftOut} more like this)`;
    report(new HubError(code, text, { cause: error, data }), info);
  };
}
