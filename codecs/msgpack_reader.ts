/**
 * Reads MessagePack in one pass, for servers that read many short frames of strangers.
 *
 * It makes room for nothing that a frame only claims to hold: a list grows with its items. It refuses all values that
 * may not travel, so what it has read needs no further check.
 *
 * @module
 */

import { decodeTimestampExtension, EXT_TIMESTAMP } from "@msgpack/msgpack";
import { MAX_DEPTH } from "../contract/mod.ts";
import { readText } from "./msgpack_text.ts";

/** Room for the bytes of one number with a fraction. */
const scratch = new DataView(new ArrayBuffer(8));

/**
 * What is wrong with a value. Not an error, and made once: a frame may hold a hundred thousand bad values, and an error
 * for each would take seconds.
 */
export class Damage {
  /** The end of the error's sentence. */
  readonly text: string;

  /** @param text The end of a sentence. */
  constructor(text: string) {
    this.text = text;
  }
}

const DAMAGED = new Damage("it is damaged");
const EXTENSION = new Damage("it holds an extension other than a timestamp");
const NOT_FINITE = new Damage("it holds NaN or an infinite number");
const NOT_UTF8 = new Damage("it holds text that is not UTF-8");
const PROTO = new Damage('it holds a property named "__proto__"');
const TOO_DEEP = new Damage(`it is nested deeper than ${MAX_DEPTH} levels`);

/** The sizes of the three kinds of timestamps. */
const isTimestampSize = (size: number): boolean => size === 4 || size === 8 || size === 12;

/** Reads the values of one frame, in order. Throws a `Damage` if a value is bad, and a `RangeError` if it is cut off. */
export class MsgpackReader {
  /** Where the next value starts. */
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #end: number;

  /** @param bytes The frame. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** Whether a list comes next. */
  get isAtList(): boolean {
    const first = this.#bytes[this.at]!;
    return (first & 0xf0) === 0x90 || first === 0xdc || first === 0xdd;
  }

  /** Reads the head of the list that comes next. Returns how many items it claims to have. */
  listHead(): number {
    const first = this.#uint(1);
    return this.#claim(first < 0xa0 ? first & 15 : this.#uint(first === 0xdc ? 2 : 4), 1);
  }

  /**
   * Reads a value (https://github.com/msgpack/msgpack/blob/master/spec.md#formats).
   *
   * @param depth How deep lists and maps may be nested in it.
   */
  value(depth: number): unknown {
    const first = this.#uint(1);
    if (first < 0x80) return first;
    if (first < 0x90) return this.#map(first & 15, depth);
    if (first < 0xa0) return this.#list(first & 15, depth);
    if (first < 0xc0) return this.#text(first & 31);
    if (first >= 0xe0) return first - 0x100;
    switch (first) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#data(this.#uint(1 << (first - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#uint(1 << (first - 0xc7)));
      case 0xca:
        scratch.setUint32(0, this.#uint(4));
        return this.#finite(scratch.getFloat32(0));
      case 0xcb:
        scratch.setUint32(0, this.#uint(4));
        scratch.setUint32(4, this.#uint(4));
        return this.#finite(scratch.getFloat64(0));
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint(1 << (first - 0xcc));
      case 0xcf:
        return this.#uint(4) * 2 ** 32 + this.#uint(4);
      case 0xd0:
        return this.#uint(1) << 24 >> 24;
      case 0xd1:
        return this.#uint(2) << 16 >> 16;
      case 0xd2:
        return this.#uint(4) | 0;
      case 0xd3:
        return (this.#uint(4) | 0) * 2 ** 32 + this.#uint(4);
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (first - 0xd4));
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#uint(1 << (first - 0xd9)));
      case 0xdc:
      case 0xdd:
        return this.#list(this.#uint(first === 0xdc ? 2 : 4), depth);
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(first === 0xde ? 2 : 4), depth);
      default:
        throw DAMAGED;
    }
  }

  /** Passes over bytes. Returns where they start. */
  #pass(size: number): number {
    const start = this.at;
    if (size > this.#end - start) throw new RangeError("The frame is shorter than it says");
    this.at = start + size;
    return start;
  }

  /** Reads a whole number of 1, 2 or 4 bytes. */
  #uint(size: number): number {
    const bytes = this.#bytes;
    const at = this.#pass(size);
    if (size === 1) return bytes[at]!;
    const two = bytes[at]! << 8 | bytes[at + 1]!;
    return size === 2 ? two : (two << 16 | bytes[at + 2]! << 8 | bytes[at + 3]!) >>> 0;
  }

  #finite(value: number): number {
    if (!Number.isFinite(value)) throw NOT_FINITE;
    return value;
  }

  /** Checks how many items a list or map claims to have. Each takes at least a byte. */
  #claim(items: number, bytesEach: number): number {
    if (items * bytesEach > this.#end - this.at) throw new RangeError("The frame is shorter than it says");
    return items;
  }

  #text(size: number): string {
    const text = readText(this.#bytes, this.#pass(size), size);
    if (text === undefined) throw NOT_UTF8;
    return text;
  }

  /** Copies bytes: a part of the frame would keep all of it in memory. */
  #data(size: number): Uint8Array {
    const start = this.#pass(size);
    return this.#bytes.slice(start, start + size);
  }

  /** A date becomes text: payloads must be the same with every encoding. */
  #extension(size: number): string {
    const type = this.#uint(1) << 24 >> 24;
    if (type !== EXT_TIMESTAMP) throw EXTENSION;
    if (!isTimestampSize(size)) throw DAMAGED;
    const date = decodeTimestampExtension(this.#data(size));
    if (Number.isNaN(date.getTime())) throw DAMAGED;
    return date.toISOString();
  }

  #list(count: number, depth: number): unknown[] {
    if (depth === 0) throw TOO_DEEP;
    this.#claim(count, 1);
    const list: unknown[] = [];
    for (let i = 0; i < count; i++) list.push(this.value(depth - 1));
    return list;
  }

  #map(count: number, depth: number): Record<string, unknown> {
    if (depth === 0) throw TOO_DEEP;
    this.#claim(count, 2);
    const map: Record<string, unknown> = {};
    for (let i = 0; i < count; i++) {
      const key = this.value(depth - 1);
      if (typeof key !== "string" && typeof key !== "number") throw DAMAGED;
      if (key === "__proto__") throw PROTO;
      map[key] = this.value(depth - 1);
    }
    return map;
  }
}
