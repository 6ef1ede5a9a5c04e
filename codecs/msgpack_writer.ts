/**
 * Writes MessagePack and checks the values in one pass: a value that needs a copy, or that may not travel, ends the pass.
 *
 * @module
 */

import { hasLoneSurrogate, utf8Size } from "../contract/mod.ts";

/** The size of a piece of memory for short messages. A message that is kept for long keeps its piece, so it is small. */
const PIECE = 1024;
/** As much room as most messages need. With less, a message begins a new piece. */
const ROOM = PIECE / 4;
/** Up to this length, a loop writes ASCII faster than the platform does. */
const SHORT = 64;

/** What an object that says that it is bytes cannot change. */
const { [Symbol.toStringTag]: { get: kindOf }, length: { get: lengthOf } } = Object.getOwnPropertyDescriptors(
  Object.getPrototypeOf(Uint8Array.prototype),
) as Readonly<Record<symbol | "length", { get(): unknown }>>;

const encoder = new TextEncoder();
/** Room for one number. */
const scratch = new DataView(new ArrayBuffer(8));
const scratchBytes = new Uint8Array(scratch.buffer);

/**
 * Writes messages. The formats are the shortest for each value
 * (https://github.com/msgpack/msgpack/blob/master/spec.md#formats). Short messages are side by side in one piece of
 * memory: on Deno, memory for each of them costs more than writing it.
 */
export class MsgpackWriter {
  #piece = new Uint8Array(PIECE);
  /** How much of the piece is in use. */
  #used = 0;
  /** Where the message is written: into the piece, or into memory of its own. */
  #bytes = this.#piece;
  #start = 0;
  #at = 0;
  #isWriting = false;

  /**
   * Writes a message.
   *
   * @param message The message.
   * @param depth How deep lists and objects of an element may be nested.
   * @returns `undefined` if an element needs a copy first, or may not travel.
   */
  write(message: readonly unknown[], depth: number): Uint8Array<ArrayBuffer> | undefined {
    // A getter of the message that is being written encodes another one.
    if (this.#isWriting) return new MsgpackWriter().write(message, depth);
    if (this.#piece.length - this.#used < ROOM) { // also if a caller has given the memory away
      this.#piece = new Uint8Array(PIECE);
      this.#used = 0;
    }
    this.#bytes = this.#piece;
    this.#start = this.#at = this.#used;
    this.#isWriting = true;
    try {
      return this.#list(message, depth) ? this.#written() : undefined;
    } catch {
      return undefined; // a getter or a proxy threw
    } finally {
      this.#isWriting = false;
      this.#bytes = this.#piece; // memory of a long message is not kept
    }
  }

  #written(): Uint8Array<ArrayBuffer> {
    const bytes = this.#bytes;
    if (bytes !== this.#piece) return bytes.slice(this.#start, this.#at);
    this.#used = this.#at;
    return bytes.subarray(this.#start, this.#at);
  }

  #value(value: unknown, depth: number): boolean {
    switch (typeof value) {
      case "string":
        return this.#text(value);
      case "number":
        return this.#number(value);
      case "boolean":
        this.#byte(value ? 0xc3 : 0xc2);
        return true;
      case "object":
        if (value !== null) return this.#object(value, depth);
        this.#byte(0xc0);
        return true;
      default:
        return false;
    }
  }

  #object(value: object, depth: number): boolean {
    if (value.constructor === Uint8Array) return this.#binary(value as Uint8Array);
    if (depth === 0 || typeof (value as { readonly toJSON?: unknown }).toJSON === "function") return false;
    if (Array.isArray(value)) return this.#list(value, depth - 1);
    if (value.constructor !== Object && !hasPlainPrototype(value)) return false;
    const keys = Object.keys(value);
    if (keys.length === 0 && !hasPlainPrototype(value)) return false; // as with some iterators
    this.#head(keys.length, 0x80, 16, 0xde);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (key === "__proto__" || !this.#text(key)) return false;
      if (!this.#value((value as Readonly<Record<string, unknown>>)[key], depth - 1)) return false;
    }
    return true;
  }

  #list(list: readonly unknown[], depth: number): boolean {
    const { length } = list; // a getter may change it
    if (length >>> 0 !== length) return false; // only proxies have such lengths
    this.#head(length, 0x90, 16, 0xdc);
    for (let i = 0; i < length; i++) if (!this.#value(list[i], depth)) return false;
    return true;
  }

  #binary(value: Uint8Array): boolean {
    if (kindOf.call(value) !== "Uint8Array") return false; // it only says so
    const length = lengthOf.call(value) as number;
    if (length < 0x100) this.#pair(0xc4, length);
    else this.#long(length < 0x10000 ? 0xc5 : 0xc6, length, length < 0x10000 ? 2 : 4);
    this.#reserve(length);
    this.#bytes.set(value, this.#at);
    this.#at += length;
    return true;
  }

  #text(text: string): boolean {
    const { length } = text;
    if (length > SHORT) return this.#longText(text);
    this.#reserve(length + 2);
    const bytes = this.#bytes;
    let at = this.#at + (length < 32 ? 1 : 2);
    for (let i = 0; i < length; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 0x7f) return this.#longText(text);
      bytes[at++] = unit;
    }
    if (length < 32) bytes[this.#at] = 0xa0 | length;
    else {
      bytes[this.#at] = 0xd9;
      bytes[this.#at + 1] = length;
    }
    this.#at = at;
    return true;
  }

  /** Text of any length, also beyond ASCII. */
  #longText(text: string): boolean {
    if (hasLoneSurrogate(text)) return false;
    const size = utf8Size(text);
    if (size < 32) this.#byte(0xa0 | size);
    else if (size < 0x100) this.#pair(0xd9, size);
    else this.#long(size < 0x10000 ? 0xda : 0xdb, size, size < 0x10000 ? 2 : 4);
    this.#reserve(size);
    encoder.encodeInto(text, this.#bytes.subarray(this.#at, this.#at + size));
    this.#at += size;
    return true;
  }

  #number(value: number): boolean {
    if (!Number.isSafeInteger(value)) {
      if (!Number.isFinite(value)) return false;
      scratch.setFloat64(0, value);
      this.#number64(0xcb);
    } else if (value >= 0) {
      if (value < 0x80) this.#byte(value);
      else if (value < 0x100) this.#pair(0xcc, value);
      else if (value < 0x10000) this.#long(0xcd, value, 2);
      else if (value < 0x1_0000_0000) this.#long(0xce, value, 4);
      else this.#integer64(0xcf, value);
    } else if (value >= -0x20) this.#byte(value & 0xff);
    else if (value >= -0x80) this.#pair(0xd0, value & 0xff);
    else if (value >= -0x8000) this.#long(0xd1, value, 2);
    else if (value >= -0x8000_0000) this.#long(0xd2, value, 4);
    else this.#integer64(0xd3, value);
    return true;
  }

  #integer64(format: number, value: number): void {
    scratch.setInt32(0, Math.floor(value / 0x1_0000_0000));
    scratch.setUint32(4, value >>> 0);
    this.#number64(format);
  }

  #number64(format: number): void {
    this.#byte(format);
    this.#reserve(8);
    this.#bytes.set(scratchBytes, this.#at);
    this.#at += 8;
  }

  /** The head of a list or a map. */
  #head(count: number, short: number, shortBelow: number, format: number): void {
    if (count < shortBelow) this.#byte(short | count);
    else if (count < 0x10000) this.#long(format, count, 2);
    else this.#long(format + 1, count, 4);
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = byte;
  }

  #pair(format: number, byte: number): void {
    this.#reserve(2);
    this.#bytes[this.#at++] = format;
    this.#bytes[this.#at++] = byte;
  }

  /** A format, and a number of 2 or 4 bytes. */
  #long(format: number, value: number, size: 2 | 4): void {
    this.#byte(format);
    this.#reserve(size);
    for (let shift = 8 * (size - 1); shift >= 0; shift -= 8) this.#bytes[this.#at++] = value >>> shift;
  }

  /** Makes sure that so many bytes have room. */
  #reserve(size: number): void {
    if (this.#at + size > this.#bytes.length) this.#grow(size);
  }

  /** Moves the message to memory of its own. */
  #grow(size: number): void {
    const written = this.#at - this.#start;
    const bytes = new Uint8Array(2 * (written + size));
    bytes.set(this.#bytes.subarray(this.#start, this.#at));
    this.#bytes = bytes;
    this.#start = 0;
    this.#at = written;
  }
}

const hasPlainPrototype = (value: object): boolean => Object.getPrototypeOf(value) === Object.prototype;
