/**
 * JSON that carries bytes. A `Uint8Array` anywhere in a value is written as `{"$bytes":"…"}` in base64. A property
 * that already has this name gets one more `$`, so that user data is never mistaken for bytes.
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
  type ReadErrors,
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

/** How JSON writes half a surrogate pair. One search in the written text replaces a check of each string. */
const ESCAPED_SURROGATE = "\\ud";

/**
 * Whether a text holds an escape. Engines find a single character very fast, so the longer search runs only if there
 * is a `\`.
 */
const escapes = (text: string, escape: string): boolean => text.includes("\\") && text.includes(escape);

/**
 * Writes a value.
 *
 * @param value A value that can travel: JSON, bytes, or an object whose `toJSON` gives one of them.
 * @throws {TypeError} When the value holds something that cannot travel, is nested deeper than {@linkcode MAX_DEPTH},
 * or contains itself.
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
 * @param text A text that {@linkcode writeJson} wrote, or any JSON.
 * @throws {SyntaxError} When the text is not JSON.
 * @throws {TypeError} When it holds something that may not travel.
 */
export function readJson(text: string): unknown {
  return toPlain(JSON.parse(text), READING);
}

/**
 * Writes a message of the wire, or of the bus between nodes.
 *
 * @param message The message. If it ends with a payload of `undefined`, the payload is left out.
 * @param maxDepth How deep lists and objects of an element may be nested.
 * @throws {HubError} `BAD_REQUEST` when the message holds something that cannot travel.
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
 * @param maxDepth How deep lists and objects of an element may be nested.
 * @returns The messages. Nothing else in them is checked. A `HubError` takes the place of an element that cannot be
 * read; see {@linkcode readPlainMessage}.
 * @throws {SyntaxError} When the text is not JSON.
 * @throws {TypeError} When it is not a list.
 */
export function readJsonMessages(text: string, maxDepth: number = MAX_DEPTH): unknown[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new TypeError("Not a list");
  let errors: ReadErrors | undefined;
  const isEscaped = escapes(text, "\\u"); // without escapes the text is well-formed, because it comes from UTF-8
  for (const message of list) {
    if (!Array.isArray(message) || !isEscaped && isParsedPlain(message, maxDepth)) continue;
    errors = readPlainMessage(message, READING, maxDepth, errors);
  }
  return list;
}
