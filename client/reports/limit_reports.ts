/**
 * Reports that repeat: a server that sends the same bad message again and again does not flood `onError`.
 *
 * @module
 */

import { type Clock, HubError, toWireError } from "../../contract/mod.ts";
import type { Report } from "./report.ts";

/** Errors of one kind are reported once in so many milliseconds. */
const REPORT_EVERY_MS = 10_000;

/** So many kinds are told apart; all others count as one, as a server may invent names and codes without end. */
const MAX_KINDS = 100;

/** A kind whose name and code are longer than so many characters counts as one of the others: it is kept for good. */
const MAX_KIND_LENGTH = 300;

/**
 * Limits reports: of each kind (the same stage, name and code) the first goes out at once, and then one in 10 seconds,
 * which says how many were left out.
 *
 * @param report Takes what is let through.
 * @param clock Where time comes from.
 */
export function limitReports(report: Report, clock: Clock): Report {
  const kinds = new Map<string, { at: number; leftOut: number }>();
  return (error, info) => {
    const { code, message, data } = toWireError(error); // a schema throws anything
    const name = JSON.stringify([info, code]);
    const apart = kinds.has(name) || (kinds.size < MAX_KINDS && name.length <= MAX_KIND_LENGTH);
    const key = apart ? name : "";
    const { at, leftOut } = kinds.get(key) ?? { at: -Infinity, leftOut: 0 };
    const now = clock.now();
    if (now - at < REPORT_EVERY_MS) return void kinds.set(key, { at, leftOut: leftOut + 1 });
    kinds.set(key, { at: now, leftOut: 0 });
    if (leftOut === 0) return report(error, info);
    const text = `${message} (and ${leftOut} more like this since the last report)`;
    report(new HubError(code, text, { cause: error, data }), info);
  };
}
