/**
 * The outcome of a request as text: for the client, for memory, and for a store that other nodes read.
 *
 * @module
 */

import { HubError, readJson, toWireError, type WireError, writeJsonMessage } from "../../../contract/mod.ts";
import { utf8Size } from "../../../contract/values/utf8_size.ts";

/** The outcome of a request. */
export type Outcome =
  | readonly [kind: "res", output?: unknown]
  | readonly [kind: "err", error: WireError];

/** The largest outcome that the hub keeps, in bytes of UTF-8. */
const MAX_KEPT_BYTES = 64 * 1024;

/**
 * Writes an outcome.
 *
 * @throws {HubError} `BAD_REQUEST` when it holds a value that cannot be encoded.
 */
export function writeOutcome(outcome: Outcome): string {
  return writeJsonMessage(outcome);
}

/**
 * Reads a text of {@linkcode writeOutcome}.
 *
 * @throws {SyntaxError} When the text is not an outcome.
 */
export function readOutcome(text: string): Outcome {
  const outcome = readJson(text);
  if (Array.isArray(outcome) && (outcome[0] === "res" || (outcome[0] === "err" && isWireError(outcome[1])))) {
    return outcome as unknown as Outcome;
  }
  throw new SyntaxError("Cannot read the result of a request: it was not written by a hub");
}

function isWireError(value: unknown): boolean {
  const { code, message } = Object(value);
  return typeof code === "string" && typeof message === "string";
}

/** The outcome that is kept instead of an answer that is too large. */
export function tooLarge(name: string): string {
  const message = `"${name}" was done, but its answer is too large to be given again`;
  return writeOutcome(["err", toWireError(new HubError("TOO_LARGE", message))]);
}

/** The outcome to keep: the given one, if it is small enough. */
export function keepable(name: string, text: string): string {
  return utf8Size(text) > MAX_KEPT_BYTES ? tooLarge(name) : text;
}

/**
 * A short text for an input: the same input gives the same text, in any order of its properties. It is not a secret.
 *
 * @param name The name of the request.
 * @param input The input, as the client sent it.
 */
export function fingerprint(name: string, input: unknown): string {
  const text = JSON.stringify(sorted(JSON.parse(writeJsonMessage([name, input]))));
  return `${text.length.toString(36)}-${cyrb53(text).toString(36)}`;
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.entries(value).sort(([a], [b]) => a < b ? -1 : 1).map(([name, item]) => [name, sorted(item)]);
}

/**
 * A hash of 53 bits, by bryc (public domain). A user who makes two inputs with the same hash harms only itself,
 * because ids belong to a user.
 */
function cyrb53(text: string): number {
  let h1 = 0xdeadbeef, h2 = 0x41c6ce57;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    h1 = Math.imul(h1 ^ unit, 2654435761);
    h2 = Math.imul(h2 ^ unit, 1597334677);
  }
  h1 = Math.imul(h1 ^ (h1 >>> 16), 2246822507) ^ Math.imul(h2 ^ (h2 >>> 13), 3266489909);
  h2 = Math.imul(h2 ^ (h2 >>> 16), 2246822507) ^ Math.imul(h1 ^ (h1 >>> 13), 3266489909);
  return 4294967296 * (2097151 & h2) + (h1 >>> 0);
}
