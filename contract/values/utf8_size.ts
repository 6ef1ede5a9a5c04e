/**
 * How many bytes text takes in UTF-8. Limits count bytes; a bound is cheap and mostly decides.
 *
 * @module
 */

/** UTF-8 takes at most three bytes for what UTF-16 takes one unit for. */
const MAX_BYTES_PER_UNIT = 3;

/** From this length on the engine's encoder is faster than a loop. */
const LONG = 512;

/**
 * The exact size of text in UTF-8, or of bytes. It costs a walk over the text; where a limit is all that counts, ask
 * {@linkcode exceedsUtf8}.
 *
 * @param data Text or bytes.
 * @returns In bytes. Half a surrogate pair counts as the three bytes of U+FFFD, which takes its place.
 */
export function utf8Size(data: string | Uint8Array): number {
  if (typeof data !== "string") return data.byteLength;
  if (data.length >= LONG) return new TextEncoder().encode(data).byteLength;
  let size = data.length;
  for (let i = 0; i < data.length; i++) {
    const unit = data.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) size++;
    else {
      size += 2;
      // A pair takes four bytes: both of its units together two more than they count already.
      if (unit >= 0xd800 && unit < 0xdc00 && (data.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
    }
  }
  return size;
}

/**
 * The most bytes that text or bytes can take in UTF-8; costs nothing.
 *
 * @param data Text or bytes.
 */
export function maxUtf8Size(data: string | Uint8Array): number {
  return typeof data === "string" ? data.length * MAX_BYTES_PER_UNIT : data.byteLength;
}

/**
 * Whether text or bytes are larger than a limit. Text is measured only where its length leaves that open.
 *
 * @param data Text or bytes.
 * @param limit In bytes.
 */
export function exceedsUtf8(data: string | Uint8Array, limit: number): boolean {
  if (data.length > limit) return true;
  return maxUtf8Size(data) > limit && utf8Size(data) > limit;
}
