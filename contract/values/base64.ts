/**
 * Base64 (RFC 4648, section 4, padded), with the engine's own where it has one.
 *
 * @module
 */

/** `apply` takes so many arguments on every engine. */
const PIECE = 8_192;

/**
 * Writes bytes as text.
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
 * Reads bytes from text.
 *
 * @param text What {@linkcode toBase64} wrote.
 * @throws {Error} When the text is not base64; of which class depends on the engine.
 */
export function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const { fromBase64: native } = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
  return native ? native.call(Uint8Array, text) : Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}
