/**
 * JSON that carries bytes: a `Uint8Array` anywhere in a value is written as `{"$bytes":"…"}` in base64. A property of
 * that very name is written with one `$` more, so that nothing that a user sends is mistaken for bytes.
 *
 * @module
 */

import { fromBase64, toBase64 } from "./base64.ts";
import {
  copyMessage,
  encodeMessage,
  isParsedPlain,
  MAX_DEPTH,
  type PlainRules,
  readPlainMessage,
  toPlain,
} from "./plain.ts";

const BYTES = "$bytes";
const RESERVED = /^\$+bytes$/;

const WRITING: PlainRules = {
  maxDepth: MAX_DEPTH,
  wellFormed: true, // see `ESCAPED_SURROGATE`
  bytes: (bytes) => ({ [BYTES]: toBase64(bytes) }),
  name: (name) => RESERVED.test(name) ? `$${name}` : name,
};

const READING: PlainRules = {
  maxDepth: MAX_DEPTH,
  bytes: (bytes) => bytes,
  name: (name) => RESERVED.test(name) ? name.slice(1) : name,
  standsFor(object) {
    const { [BYTES]: text } = object as { readonly [BYTES]?: unknown };
    return typeof text === "string" && Object.keys(object).length === 1 ? fromBase64(text) : undefined;
  },
};

/** How JSON writes half a surrogate pair: one look at what was written, in place of one at each text. */
const ESCAPED_SURROGATE = "\\ud";

/** Whether a text holds an escape. Engines find a single character at once; with it they look for two only where there is one. */
const escapes = (text: string, escape: string): boolean => text.includes("\\") && text.includes(escape);

/**
 * Writes a value.
 *
 * @param value What may travel: JSON, bytes, and what becomes one of them.
 * @throws {TypeError} When the value holds what cannot travel, is nested deeper than {@linkcode MAX_DEPTH}, or in itself.
 *
 * @example
 * ```ts
 * import { readJson, writeJson } from "@trunkline/hub/contract";
 * import { assertEquals } from "@std/assert";
 *
 * const text = writeJson({ name: "dot.png", data: new Uint8Array([1, 2, 3]) });
 * assertEquals(text, '{"name":"dot.png","data":{"$bytes":"AQID"}}');
 * assertEquals(readJson(text), { name: "dot.png", data: new Uint8Array([1, 2, 3]) });
 * ```
 */
export function writeJson(value: unknown): string {
  const plain = toPlain(value, WRITING);
  if (plain === undefined) throw new TypeError("Cannot encode undefined");
  return JSON.stringify(plain);
}

/**
 * Reads a value.
 *
 * @param text What {@linkcode writeJson} wrote, or any JSON.
 * @throws {SyntaxError} When the text is not JSON.
 * @throws {TypeError} When it holds what may not travel.
 */
export function readJson(text: string): unknown {
  return toPlain(JSON.parse(text), READING);
}

/**
 * Writes a message of the wire, or of the bus.
 *
 * @param message The message. A payload of `undefined` at its end is left out.
 * @param maxDepth How many lists and objects of an element may be inside each other.
 * @throws {HubError} `BAD_REQUEST` when the message holds what cannot travel.
 */
export function writeJsonMessage(message: readonly unknown[], maxDepth: number = MAX_DEPTH): string {
  const rules = maxDepth === MAX_DEPTH ? WRITING : { ...WRITING, maxDepth };
  const text = encodeMessage(message, rules, JSON.stringify);
  return escapes(text, ESCAPED_SURROGATE) ? JSON.stringify(copyMessage(message, rules)) : text;
}

/**
 * Reads a list of messages.
 *
 * @param text The list.
 * @param maxDepth How many lists and objects of an element may be inside each other.
 * @returns The messages, of which nothing else has been checked. In the place of what cannot be handed on stands a
 * `HubError`; see {@linkcode readPlainMessage}.
 * @throws {SyntaxError} When the text is not JSON.
 * @throws {TypeError} When it is no list.
 */
export function readJsonMessages(text: string, maxDepth: number = MAX_DEPTH): unknown[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new TypeError("Not a list");
  const isEscaped = escapes(text, "\\u"); // without them text is well-formed: it comes from UTF-8
  for (const message of list) {
    if (!Array.isArray(message) || !isEscaped && isParsedPlain(message, maxDepth)) continue;
    readPlainMessage(message, READING, maxDepth);
  }
  return list;
}
