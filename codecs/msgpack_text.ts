/**
 * Reads UTF-8 out of frames. Most texts are so short that a call of the runtime costs more than the reading.
 *
 * @module
 */

/** Texts below this many bytes are read fastest by a loop. */
const SHORT = 10;

/** Where the runtime has nothing better, a `TextDecoder` is faster from this many bytes on. */
const LONG = 64;

/** Reads UTF-8 from a part of some bytes, and puts U+FFFD in place of all that is none. */
export type Utf8Slice = (this: Uint8Array, start: number, end: number) => string;

/** Reads a text of so many bytes. Returns `undefined` if it is not UTF-8. Half a surrogate pair is not. */
export type TextReader = (bytes: Uint8Array, start: number, size: number) => string | undefined;

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

const decode: TextReader = (bytes, start, size) =>
  checked(decoder.decode(bytes.subarray(start, start + size)), bytes, start, size);

/**
 * Returns the text if each U+FFFD in it was sent: decoders put it in place of what is not UTF-8. A strict decoder would
 * throw, and a hundred thousand errors take seconds.
 */
function checked(text: string, bytes: Uint8Array, start: number, size: number): string | undefined {
  let unsent = 0;
  for (let at = text.indexOf("\ufffd"); at >= 0; at = text.indexOf("\ufffd", at + 1)) unsent++;
  if (unsent === 0) return text;
  for (let at = start; at < start + size - 2; at++) {
    if (bytes[at] === 0xef && bytes[at + 1] === 0xbf && bytes[at + 2] === 0xbd) unsent--;
  }
  return unsent === 0 ? text : undefined;
}

/** How many short texts are remembered. */
const KNOWN = 256;

/**
 * Short texts that were read before, of ASCII only. Most are names, which come again and again: to find one here costs
 * half of making it, and engines need not look it up among their own names.
 */
const known: string[] = new Array(KNOWN).fill("");

function readShort(bytes: Uint8Array, start: number, size: number): string | undefined {
  let hash = 0;
  for (let at = start; at < start + size; at++) hash = (hash * 31 + bytes[at]!) | 0;
  const place = hash & (KNOWN - 1);
  const last = known[place]!;
  if (isAt(bytes, start, size, last)) return last;
  let text = "";
  for (let at = start; at < start + size; at++) {
    const unit = bytes[at]!;
    if (unit > 0x7f) return decode(bytes, start, size); // never remembered: one character takes several bytes
    text += String.fromCharCode(unit);
  }
  return known[place] = text;
}

/** Whether bytes are those of a text of ASCII. */
function isAt(bytes: Uint8Array, start: number, size: number, text: string): boolean {
  if (text.length !== size) return false;
  for (let i = 0; i < size; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

function readUnits(bytes: Uint8Array, start: number, size: number): string | undefined {
  const units = new Array<number>(size);
  for (let i = 0; i < size; i++) {
    const unit = bytes[start + i]!;
    if (unit > 0x7f) return decode(bytes, start, size);
    units[i] = unit;
  }
  return String.fromCharCode.apply(null, units);
}

/**
 * Makes a reader of text.
 *
 * @param slice How the runtime reads a part of some bytes; absent in browsers.
 */
export function createTextReader(slice: Utf8Slice | undefined): TextReader {
  return (bytes, start, size) => {
    if (size < SHORT) return readShort(bytes, start, size);
    if (!slice) return size < LONG ? readUnits(bytes, start, size) : decode(bytes, start, size);
    return checked(slice.call(bytes, start, start + size), bytes, start, size);
  };
}

/** The method of `Buffer` in Node, Deno and Bun. Bundlers give some pages a `Buffer` that does not have it. */
export const runtimeSlice: Utf8Slice | undefined =
  (globalThis as { readonly Buffer?: { readonly prototype?: { readonly utf8Slice?: Utf8Slice } } }).Buffer
    ?.prototype?.utf8Slice;

/** Reads text in the fastest way that the runtime has. */
export const readText: TextReader = createTextReader(runtimeSlice);
