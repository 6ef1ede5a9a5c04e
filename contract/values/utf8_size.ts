/**
 * How many bytes a text takes in UTF-8. Limits count bytes. An upper bound is cheap, and is enough in most cases.
 *
 * @module
 */

/** UTF-8 takes at most three bytes for one unit of UTF-16. */
const MAX_BYTES_PER_UNIT = 3;

/** For texts of this length and longer, the engine's encoder is faster than a loop. */
const LONG = 512;

/**
 * The exact size of text in UTF-8, or of bytes. It scans the text. To compare with a limit, use {@linkcode
 * exceedsUtf8}.
 *
 * @param data Text or bytes.
 * @returns The size in bytes. Half a surrogate pair counts as three bytes, because U+FFFD replaces it.
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
      // A pair takes four bytes in all. Its two units count two so far: add two, and skip the second unit.
      if (unit >= 0xd800 && unit < 0xdc00 && (data.charCodeAt(i + 1) & 0xfc00) === 0xdc00) i++;
    }
  }
  return size;
}

/**
 * The largest size that text or bytes can have in UTF-8. It costs nothing.
 *
 * @param data Text or bytes.
 */
export function maxUtf8Size(data: string | Uint8Array): number {
  return typeof data === "string" ? data.length * MAX_BYTES_PER_UNIT : data.byteLength;
}

/**
 * Whether text or bytes are larger than a limit. Text is measured only if its length alone does not decide.
 *
 * @param data Text or bytes.
 * @param limit In bytes.
 */
export function exceedsUtf8(data: string | Uint8Array, limit: number): boolean {
  if (data.length > limit) return true;
  return maxUtf8Size(data) > limit && utf8Size(data) > limit;
}
