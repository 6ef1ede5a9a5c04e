/**
 * Reads what a query or an order means, from this process or another node. What cannot be meant is refused: an order
 * must never reach more connections than its caller wanted.
 *
 * @module
 */

import { kindOf } from "../../contract/mod.ts";
import { isBag } from "../../contract/options/read_options.ts";
import { suggest } from "../../contract/options/suggest.ts";
import type { ConnectionQuery, Everybody } from "../api/cluster.ts";

const FIELDS = ["id", "room", "user", "role", "topic"] as const;
const KNOWN: readonly string[] = [...FIELDS, "all"];

/**
 * Reads a query.
 *
 * @param given The query as the caller gave it; it is read once, and may change afterwards.
 * @param what What it is for, for errors: `count connections`.
 * @returns Only fields that are given, each of them text. No field means every connection.
 * @throws {TypeError} When a field is not text, also when it is there and `undefined`, or is not known.
 */
export function readQuery(given: unknown, what: string): ConnectionQuery {
  return read(given, what) ?? {};
}

/**
 * Reads whom an order is for; see {@linkcode readQuery}.
 *
 * @throws {TypeError} Also when it gives nothing.
 */
export function readOrder(given: unknown, what: string): ConnectionQuery {
  const query = read(given, what);
  if (query && Object.keys(query).length === 0) {
    throw new TypeError(
      `Cannot ${what}: the query is empty. Give one of ${listed}, or { all: true } for everybody`,
    );
  }
  return query ?? {};
}

/** A query as it crosses to another node: there everybody is said in words too. */
export function writeQuery(query: ConnectionQuery): ConnectionQuery | Everybody {
  return Object.keys(query).length === 0 ? { all: true } : query;
}

const listed = FIELDS.map((field) => `"${field}"`).join(", ");

/** `undefined` for everybody, said in words. */
function read(given: unknown, what: string): ConnectionQuery | undefined {
  if (!isBag(given)) {
    throw new TypeError(
      `Cannot ${what}: the query is ${kindOf(given)}. Give an object such as { user: "ann" }`,
    );
  }
  for (const key of Object.keys(given)) {
    if (!KNOWN.includes(key)) throw new TypeError(`Cannot ${what} by "${key}": ${suggest(key, KNOWN)}`);
  }
  const query: { -readonly [K in keyof ConnectionQuery]: string } = {};
  for (const field of FIELDS) {
    if (!(field in given)) continue;
    const value: unknown = (given as Record<string, unknown>)[field];
    if (typeof value !== "string") {
      const shown = value === null ? "null" : typeof value;
      throw new TypeError(
        `Cannot ${what} by "${field}": it is ${shown}, not text. Leave the field out if you do not mean it`,
      );
    }
    query[field] = value;
  }
  if (!("all" in given)) return query;
  if (given.all === true && Object.keys(query).length === 0) return undefined;
  throw new TypeError(`Cannot ${what}: give { all: true } alone for everybody, or leave "all" out`);
}
