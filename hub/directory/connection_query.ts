/**
 * Reads which connections a query or a command is for. It comes from this process or another node. An unclear one is
 * refused: a command must never reach more connections than its caller wanted.
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
 * @param given The query from the caller. It is read once, so the caller may change it afterwards.
 * @param what What the query is for, for errors: `count connections`.
 * @returns Only the given fields; each is text. No field means all connections.
 * @throws {TypeError} When a field is unknown, or is not text. A field that is set to `undefined` is refused too.
 */
export function readQuery(given: unknown, what: string): ConnectionQuery {
  return read(given, what) ?? {};
}

/**
 * Reads which connections a command is for; see {@linkcode readQuery}.
 *
 * @throws {TypeError} Also when the query is empty.
 */
export function readOrder(given: unknown, what: string): ConnectionQuery {
  const query = read(given, what);
  if (query && Object.keys(query).length === 0) {
    throw new TypeError(
      `Cannot ${what}: the query is empty. Give one of ${listed}, or { all: true } for all connections`,
    );
  }
  return query ?? {};
}

/** A query as it is sent to another node: "all connections" is sent as `{ all: true }`. */
export function writeQuery(query: ConnectionQuery): ConnectionQuery | Everybody {
  return Object.keys(query).length === 0 ? { all: true } : query;
}

const listed = FIELDS.map((field) => `"${field}"`).join(", ");

/** Reads a query; returns `undefined` for `{ all: true }`. */
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
        `Cannot ${what} by "${field}": it is ${shown}, not text. Give text, or leave the field out`,
      );
    }
    query[field] = value;
  }
  if (!("all" in given)) return query;
  if (given.all === true && Object.keys(query).length === 0) return undefined;
  throw new TypeError(`Cannot ${what}: give { all: true } alone for all connections, or leave "all" out`);
}
