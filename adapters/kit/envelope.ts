/**
 * The envelope: who sent a message, and the message, as one text or one run of bytes. For backplanes that carry only
 * that, and that give publishers their own messages back.
 *
 * `TL1`, then what the data is, then the length of the sender's id, `:`, the id, and the data:
 *
 * | kind | data | length counts |
 * |---|---|---|
 * | `t` | the text as it is | UTF-16 units |
 * | `j` | the text as a JSON string, where the text itself would not survive | UTF-16 units |
 * | `x` | bytes in base64, for backplanes that carry only text | UTF-16 units |
 * | `b` | the bytes as they are | bytes |
 *
 * @module
 */

import { fromBase64, toBase64 } from "../../contract/mod.ts";
import type { AdapterData } from "../adapter.ts";

/** What an envelope held. */
export interface Envelope {
  /** The id of the node that sent it. */
  readonly from: string;
  /** The message, text or bytes as it was sent. */
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
const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Packs a message for a backplane that carries bytes as well as text. Text stays text; bytes stay bytes and are copied
 * once. Both may be sent as bytes (text in UTF-8): {@linkcode decodeEnvelope} tells them apart.
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
 * Packs a message for a backplane that carries only text. Bytes are written in base64; what comes out has no lone
 * surrogates, and no U+0000, which databases refuse.
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
 * Unpacks what {@linkcode encodeEnvelope} or {@linkcode encodeTextEnvelope} packed, in the form in which the backplane
 * handed it over. Never throws. Bytes of a binary message are a view of the input, not a copy.
 *
 * @param raw What arrived.
 * @returns The envelope, or `undefined` for whatever is none: foreign data, another version, a truncated one.
 */
export function decodeEnvelope(raw: AdapterData): Envelope | undefined {
  try {
    if (typeof raw === "string") return unpackText(raw);
    if (!(raw instanceof Uint8Array)) return undefined;
    return BINARY_MARK.every((byte, i) => raw[i] === byte) ? unpackBytes(raw) : unpackText(readText(raw));
  } catch {
    // Not UTF-8, not base64 or not JSON: not from here.
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

/** Foreign data may be long: looks at the mark before it decodes the whole. */
function readText(bytes: Uint8Array): string {
  for (let i = 0; i < MARK.length; i++) if (bytes[i] !== MARK.charCodeAt(i)) return "";
  return decoder.decode(bytes);
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
  const digits = decoder.decode(bytes.subarray(BINARY_MARK.length, Math.max(colon, BINARY_MARK.length)));
  if (!/^\d{1,4}$/.test(digits)) return undefined;
  const start = colon + 1;
  const end = start + Number(digits);
  if (end === start || end > bytes.length) return undefined;
  const from = decoder.decode(bytes.subarray(start, end));
  // Not `subarray()`: that of a Buffer is a Buffer.
  return { from, data: new Uint8Array(bytes.buffer, bytes.byteOffset + end, bytes.length - end) };
}
