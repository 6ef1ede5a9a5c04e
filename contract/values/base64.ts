/**
 * Base64 (RFC 4648, section 4, padded). Uses the engine's own functions if it has them.
 *
 * @module
 */

/** The number of arguments that a call takes on every engine. */
const PIECE = 8_192;

/**
 * Encodes bytes as text.
 *
 * @param bytes The bytes.
 */
export function toBase64(bytes: Uint8Array): string {
  const native = (bytes as { toBase64?: () => string }).toBase64;
  if (native) return native.call(bytes);
  let binary = "";
  for (let i = 0; i < bytes.length; i += PIECE) {
    binary += String.fromCharCode(...bytes.subarray(i, i + PIECE));
  }
  return btoa(binary);
}

/**
 * Decodes bytes from text.
 *
 * @param text A text that {@linkcode toBase64} wrote.
 * @throws {Error} When the text is not base64. The class of the error depends on the engine.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const { fromBase64: native } = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
  return native ? native.call(Uint8Array, text) : Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
