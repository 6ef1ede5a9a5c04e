/**
 * The envelope: the sender and the message, as one text or as bytes. It is for backplanes that carry nothing but text
 * or bytes, and that send publishers their own messages back.
 *
 * It is `TL1`, then the kind of the data, the length of the sender's id, `:`, the id, and the data:
 *
 * | kind | data | length counts |
 * |---|---|---|
 * | `t` | the text as it is | UTF-16 units |
 * | `j` | the text as a JSON string, if the text itself would be damaged | UTF-16 units |
 * | `x` | bytes in base64, for backplanes that carry only text | UTF-16 units |
 * | `b` | the bytes as they are | bytes |
 *
 * @module
 */

import { fromBase64, toBase64 } from "../../contract/mod.ts";
import { readUtf8, startsWith } from "../../contract/values/bytes.ts";
import type { AdapterData } from "../adapter.ts";

/** The content of an envelope. */
export interface Envelope {
  /** The id of the node that sent it. */
  readonly from: string;
  /** The message, as it was sent: text or bytes. */
  readonly data: AdapterData;
}

/** The mark of this format; the digit is its version. */
const MARK = "TL1";
const BINARY_MARK = new TextEncoder().encode(`${MARK}b`);
const TEXT_HEAD = new RegExp(`^${MARK}([tjx])(\\d{1,4}):`);
const MAX_ID_LENGTH = 1024;
/** The longest head of a binary envelope: its mark, four digits and the colon. */
const MAX_BINARY_HEAD = BINARY_MARK.length + 5;

const encoder = new TextEncoder();

/**
 * Packs a message for a backplane that carries bytes and text. Text stays text. Bytes stay bytes, and are copied once.
 * A backplane may send both as bytes (text in UTF-8): {@linkcode decodeEnvelope} tells them apart.
 *
 * @example
 * ```ts
 * import { decodeEnvelope, encodeEnvelope } from "@trunkline/hub/adapters/envelope";
 * import { assertEquals } from "@std/assert";
 *
 * const bytes = encodeEnvelope("node-1", new Uint8Array([0, 255]));
 * assertEquals(decodeEnvelope(bytes), { from: "node-1", data: new Uint8Array([0, 255]) });
 *
 * const text = encodeEnvelope("node-1", "hello");
 * assertEquals(text, "TL1t6:node-1hello");
 * assertEquals(decodeEnvelope(new TextEncoder().encode(text as string)), { from: "node-1", data: "hello" });
 * ```
 *
 * @param from The id of the node that sends it.
 * @param data The message.
 * @throws {TypeError} If the id is empty, longer than 1024 or not well-formed Unicode.
 */
export function encodeEnvelope(from: string, data: AdapterData): AdapterData {
  checkId(from);
  // UTF-8 has no lone surrogates.
  if (typeof data === "string") return packText(data.isWellFormed() ? "t" : "j", from, data);
  const id = encoder.encode(from);
  const head = encoder.encode(`${MARK}b${id.length}:`);
  const bytes = new Uint8Array(head.length + id.length + data.length);
  bytes.set(head);
  bytes.set(id, head.length);
  bytes.set(data, head.length + id.length);
  return bytes;
}

/**
 * Packs a message for a backplane that carries only text. Bytes are written in base64. The result has no lone
 * surrogates, and no U+0000, because databases refuse that character.
 *
 * @param from The id of the node that sends it.
 * @param data The message.
 * @throws {TypeError} If the id is empty, longer than 1024 or not well-formed Unicode.
 */
export function encodeTextEnvelope(from: string, data: AdapterData): string {
  checkId(from);
  if (typeof data !== "string") return packText("x", from, toBase64(data));
  return packText(data.isWellFormed() && !data.includes("\0") ? "t" : "j", from, data);
}

/**
 * Unpacks an envelope from {@linkcode encodeEnvelope} or {@linkcode encodeTextEnvelope}, in the form in which the
 * backplane delivers it. Never throws. Bytes of a binary message are a view of the input, not a copy.
 *
 * @param raw The data that arrived.
 * @returns The envelope, or `undefined` for other data: foreign, of another version, or truncated.
 */
export function decodeEnvelope(raw: AdapterData): Envelope | undefined {
  try {
    if (typeof raw === "string") return unpackText(raw);
    if (!(raw instanceof Uint8Array)) return undefined;
    return startsWith(raw, BINARY_MARK) ? unpackBytes(raw) : unpackText(readText(raw));
  } catch {
    // Not UTF-8, base64 or JSON: it is foreign.
    return undefined;
  }
}

function checkId(from: string): void {
  if (from === "" || from.length > MAX_ID_LENGTH || !from.isWellFormed() || from.includes("\0")) {
    throw new TypeError(
      `Cannot send from this node: its id must be 1 to ${MAX_ID_LENGTH} characters of well-formed text`,
    );
  }
}

function packText(kind: "t" | "j" | "x", from: string, data: string): string {
  return `${MARK}${kind}${from.length}:${from}${kind === "j" ? JSON.stringify(data) : data}`;
}

/** Checks the mark before it decodes all bytes, because foreign data may be long. */
function readText(bytes: Uint8Array): string {
  for (let i = 0; i < MARK.length; i++) if (bytes[i] !== MARK.charCodeAt(i)) return "";
  return readUtf8(bytes);
}

function unpackText(text: string): Envelope | undefined {
  const head = TEXT_HEAD.exec(text);
  if (!head) return undefined;
  const start = head[0].length;
  const end = start + Number(head[2]);
  if (end === start || end > text.length) return undefined;
  const from = text.slice(start, end);
  const body = text.slice(end);
  if (head[1] === "t") return { from, data: body };
  if (head[1] === "x") return { from, data: fromBase64(body) };
  const data: unknown = JSON.parse(body);
  return typeof data === "string" ? { from, data } : undefined;
}

function unpackBytes(bytes: Uint8Array<ArrayBuffer>): Envelope | undefined {
  const colon = bytes.subarray(0, MAX_BINARY_HEAD).indexOf(":".charCodeAt(0));
  const digits = readUtf8(bytes.subarray(BINARY_MARK.length, Math.max(colon, BINARY_MARK.length)));
  if (!/^\d{1,4}$/.test(digits)) return undefined;
  const start = colon + 1;
  const end = start + Number(digits);
  if (end === start || end > bytes.length) return undefined;
  const from = readUtf8(bytes.subarray(start, end));
  // Not `subarray()`: that of a Buffer is a Buffer.
  return { from, data: new Uint8Array(bytes.buffer, bytes.byteOffset + end, bytes.length - end) };
}
