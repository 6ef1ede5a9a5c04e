/**
 * Bytes that arrive, and the text in them. All of it is called for each message.
 *
 * @module
 */

const decoder = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true });
const strict = /* @__PURE__ */ new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Reads UTF-8.
 *
 * @param bytes The bytes.
 * @returns The text, with a byte order mark if there is one.
 * @throws {TypeError} If they are not UTF-8.
 */
export function readUtf8(bytes: Uint8Array): string {
  const text = decoder.decode(bytes);
  // A strict decoder takes more than twice as long on Deno.
  return text.includes("\ufffd") ? strict.decode(bytes) : text;
}

/**
 * Whether bytes begin with others.
 *
 * @param bytes The bytes.
 * @param start The others.
 * @param at Where in the bytes they begin.
 */
export function startsWith(bytes: Uint8Array, start: Uint8Array, at = 0): boolean {
  if (bytes.length < at + start.length) return false;
  // A loop takes a fraction of the time of `every`.
  for (let i = 0; i < start.length; i++) if (bytes[at + i] !== start[i]) return false;
  return true;
}
