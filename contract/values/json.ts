/**
 * JSON that carries bytes: a `Uint8Array` anywhere in a value is written as `{"$bytes":"…"}` in base64. A property of
 * that very name is written with one `$` more, so that nothing that a user sends is mistaken for bytes.
 *
 * @module
 */

import { HubError } from "../errors.ts";
import { fromBase64, toBase64 } from "./base64.ts";
import { cannotEncode, MAX_DEPTH, type PlainRules, toPlain, toPlainMessage } from "./plain.ts";
import { checkReadable, type ReadRules, Unreadable } from "./unreadable.ts";

const BYTES = "$bytes";
const RESERVED = /^\$+bytes$/;
const ESCAPED = /^\$\$+bytes$/;

const plainRules = (maxDepth: number): PlainRules => ({
  maxDepth,
  bytes: (bytes) => ({ [BYTES]: toBase64(bytes) }),
  name: (name) => RESERVED.test(name) ? `$${name}` : name,
});

const PAYLOADS = plainRules(MAX_DEPTH);

function read(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(read);
  const entries = Object.entries(value);
  const [[key, text] = []] = entries;
  if (entries.length === 1 && key === BYTES && typeof text === "string") return fromBase64(text);
  return Object.fromEntries(
    entries.map(([key, item]) => [ESCAPED.test(key) ? key.slice(1) : key, read(item)]),
  );
}

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
  const plain = toPlain(value, PAYLOADS);
  if (plain === undefined) throw new TypeError("Cannot encode undefined");
  return JSON.stringify(plain);
}

/**
 * Reads a value.
 *
 * @param text What {@linkcode writeJson} wrote, or any JSON.
 * @throws {SyntaxError} When the text is not JSON.
 * @throws {Error} When bytes in it are not base64.
 * @throws {HubError} `BAD_REQUEST` when it holds what may not travel; see {@linkcode checkReadable}.
 */
export function readJson(text: string): unknown {
  return readElement(JSON.parse(text), readingOf(text, MAX_DEPTH));
}

/** How the values of a text are read: what the text does not hold need not be looked for in every value. */
interface Reading extends ReadRules {
  /** Whether there may be bytes. */
  readonly bytes: boolean;
}

function readingOf(text: string, maxDepth: number): Reading {
  const escapes = text.includes("\\u"); // may stand for anything
  return { maxDepth, text: escapes, bytes: escapes || text.includes(`${BYTES}"`) };
}

function readElement(value: unknown, reading: Reading): unknown {
  if (!reading.bytes) {
    checkReadable(value, reading);
    return value;
  }
  // As long as bytes are objects they are one level more.
  checkReadable(value, { ...reading, maxDepth: reading.maxDepth + 1 });
  const result = read(value);
  checkReadable(result, reading);
  return result;
}

/**
 * Writes a message of the wire, or of the bus.
 *
 * @param message The message. A payload of `undefined` at its end is left out.
 * @param maxDepth How many lists and objects of an element may be inside each other.
 * @throws {HubError} `BAD_REQUEST` when the message holds what cannot travel.
 */
export function writeJsonMessage(message: readonly unknown[], maxDepth: number = MAX_DEPTH): string {
  try {
    return JSON.stringify(toPlainMessage(message, maxDepth === MAX_DEPTH ? PAYLOADS : plainRules(maxDepth)));
  } catch (error) {
    throw error instanceof HubError ? error : cannotEncode(message, error);
  }
}

/**
 * Reads a list of messages. What cannot be handed on in them is {@linkcode Unreadable}.
 *
 * @param text The list.
 * @param maxDepth How many lists and objects of an element may be inside each other.
 * @returns The messages, of which nothing else has been checked.
 * @throws {SyntaxError} When the text is not JSON.
 * @throws {TypeError} When it is no list.
 */
export function readJsonMessages(text: string, maxDepth: number = MAX_DEPTH): unknown[] {
  const list: unknown = JSON.parse(text);
  if (!Array.isArray(list)) throw new TypeError("Not a list");
  const reading = readingOf(text, maxDepth);
  for (const message of list) if (Array.isArray(message)) readMessage(message, reading);
  return list;
}

function readMessage(message: unknown[], reading: Reading): void {
  for (let i = 1; i < message.length; i++) {
    const element = message[i];
    if (typeof element === "string" && !reading.text) continue;
    try {
      message[i] = readElement(element, reading);
    } catch (error) {
      message[i] = new Unreadable(error);
    }
  }
}
