/**
 * Cuts messages that are too large for one message of the engine into parts, and joins them where they arrive.
 *
 * A part looks like this: `TP1k3x9.7.0.3:…`. It is `TP1`, the sender's token, the number of the message, the index of
 * the part and the number of parts. Dots stand between them; then come `:` and a piece of the message. A message that
 * fits into one part is sent as it is. A sender publishes the parts of a message one after the other. The parts of one
 * sender on one channel arrive in that order. Parts of other senders may arrive between them.
 *
 * @module
 */

import { startsWith } from "../../contract/values/bytes.ts";
import { exceedsUtf8 } from "../../contract/values/utf8_size.ts";
import type { Clock } from "../../contract/clock.ts";
import type { AdapterData } from "../adapter.ts";

/** Options of {@linkcode Chunks}. */
export interface ChunksOptions {
  /** How many bytes of incomplete messages to keep at most, for all senders together. */
  readonly maxHeldBytes: number;
  /** The source of time. */
  readonly clock: Clock;
  /**
   * A message will never be complete: parts are lost, or there is no room.
   *
   * @param name The engine's name of its channel.
   * @param error Why.
   */
  onLost(name: string, error: Error): void;
}

/** A message with missing parts. */
interface Partial {
  readonly number: string;
  readonly count: number;
  /** Empty after the message is given up: later parts of it are ignored. */
  pieces: AdapterData[];
  /** The index of the next part. */
  next: number;
  bytes: number;
  givenUp: boolean;
  /** When its last part came, by the clock. */
  at: number;
}

const MARK = "TP1";
const MARK_BYTES = new TextEncoder().encode(MARK);
const HEAD = /^TP1([0-9a-z]{1,16})\.([0-9a-z]{1,11})\.(\d{1,6})\.(\d{1,6}):/;

/** The longest head: the mark, token and number, two numbers for the parts, three dots and the colon. */
const MAX_HEAD = 3 + 16 + 11 + 6 + 6 + 4;

/** Each part should contain more message than head. */
const MIN_PART_BYTES = 2 * MAX_HEAD;
const MAX_PARTS = 999_999;

/**
 * How long the next part of a message may take, in milliseconds. So no receiver waits for a sender that died in the middle.
 */
const MAX_WAIT_MS = 30_000;

/** What an incomplete message costs besides its parts. */
const OVERHEAD_BYTES = 256;

const encoder = new TextEncoder();

/** Cuts and joins messages, for one adapter. */
export class Chunks {
  readonly #options: ChunksOptions;
  /** Distinguishes this sender's messages from the messages of others, and of an earlier process of the same node. */
  readonly #token: string = randomToken();
  #lastNumber = 0;
  /** By channel and sender. The message that has waited longest for a part comes first. */
  readonly #partials = new Map<string, Partial>();
  #heldBytes = 0;
  #cancelSweep: (() => void) | undefined;
  #scratch = new Uint8Array();

  /** @param options The options. */
  constructor(options: ChunksOptions) {
    this.#options = options;
  }

  /** How many bytes of incomplete messages are kept. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /**
   * Cuts a message.
   *
   * @param data The message in its envelope.
   * @param maxPartBytes The largest message of the engine, in bytes of UTF-8; at least 92.
   * @returns The message itself if it fits, or its parts, to send in this order. Parts of bytes are copies.
   * @throws {RangeError} If parts would be too small or too many.
   */
  cut(data: AdapterData, maxPartBytes: number): readonly AdapterData[] {
    if (!(maxPartBytes >= MIN_PART_BYTES)) {
      throw new RangeError(`Cannot cut a message into parts of ${maxPartBytes} bytes`);
    }
    if (!exceedsUtf8(data, maxPartBytes)) return [data];
    const pieces = typeof data === "string"
      ? this.#slices(data, maxPartBytes - MAX_HEAD)
      : slicesOf(data, maxPartBytes - MAX_HEAD);
    if (pieces.length > MAX_PARTS) {
      throw new RangeError(
        `Cannot cut a message into ${pieces.length} parts: at most ${MAX_PARTS} are possible`,
      );
    }
    const number = (++this.#lastNumber).toString(36);
    return pieces.map((piece, i) =>
      withHead(`${MARK}${this.#token}.${number}.${i}.${pieces.length}:`, piece)
    );
  }

  /**
   * Takes data that has come.
   *
   * @param name The engine's name of the channel.
   * @param data The data: a whole message, a part, or something foreign.
   * @returns The message when it is complete. Data that is not a part, as it is. `undefined` while parts are missing,
   * and for parts that this adapter has sent itself.
   */
  join(name: string, data: AdapterData): AdapterData | undefined {
    if (!isPart(data)) return data;
    const head = HEAD.exec(typeof data === "string" ? data : asciiOf(data.subarray(0, MAX_HEAD)));
    if (!head) return data;
    const [text, token, number, place, total] = head as unknown as [string, string, string, string, string];
    const [index, count] = [Number(place), Number(total)];
    if (count < 2 || index >= count) return data;
    if (token === this.#token) return undefined;
    const piece = typeof data === "string" ? data.slice(text.length) : data.subarray(text.length);
    return this.#add(name, `${token} ${name}`, { number, index, count, piece });
  }

  /** Forgets the incomplete messages of a channel that is not subscribed any more. */
  forget(name: string): void {
    for (const key of this.#partials.keys()) {
      if (nameIn(key) === name) this.#remove(key);
    }
  }

  /** Forgets everything: the connection is gone, and the missing parts with it. */
  clear(): void {
    this.#partials.clear();
    this.#heldBytes = 0;
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
  }

  #add(
    name: string,
    key: string,
    part: { number: string; index: number; count: number; piece: AdapterData },
  ): AdapterData | undefined {
    const { number, index, count, piece } = part;
    let partial = this.#partials.get(key);
    if (partial && partial.number !== number) {
      this.#giveUp(name, partial, "its last parts have not come");
      this.#remove(key);
      partial = undefined;
    }
    if (partial) this.#partials.delete(key); // to move it to the end
    else this.#charge(partial = { number, count, pieces: [], next: 0, bytes: 0, givenUp: false, at: 0 }, 0);
    this.#partials.set(key, partial);
    partial.at = this.#options.clock.now();
    if (index !== partial.next || count !== partial.count || !isLike(piece, partial.pieces[0])) {
      this.#giveUp(name, partial, "a part is missing");
    }
    partial.next = index + 1;
    if (!partial.givenUp) {
      // A copy: an engine may use its buffer again.
      partial.pieces.push(typeof piece === "string" ? piece : piece.slice());
      this.#charge(partial, typeof piece === "string" ? 2 * piece.length : piece.length);
    }
    if (partial.next >= partial.count) {
      this.#remove(key);
      return partial.givenUp ? undefined : joined(partial.pieces);
    }
    this.#evict();
    this.#sweepLater();
    return undefined;
  }

  /** Counts bytes for a message, the first time with its overhead. */
  #charge(partial: Partial, bytes: number): void {
    const more = partial.bytes === 0 ? bytes + OVERHEAD_BYTES : bytes;
    partial.bytes += more;
    this.#heldBytes += more;
  }

  #giveUp(name: string, partial: Partial, why: string): void {
    if (partial.givenUp) return;
    partial.givenUp = true;
    partial.pieces = [];
    this.#heldBytes -= partial.bytes - OVERHEAD_BYTES;
    partial.bytes = OVERHEAD_BYTES;
    this.#options.onLost(name, new Error(`Lost a message that came in ${partial.count} parts: ${why}`));
  }

  #remove(key: string): void {
    const partial = this.#partials.get(key);
    if (!partial) return;
    this.#partials.delete(key);
    this.#heldBytes -= partial.bytes;
    if (this.#partials.size === 0) {
      this.#cancelSweep?.();
      this.#cancelSweep = undefined;
    }
  }

  /** Makes room: the message that has waited longest goes first. */
  #evict(): void {
    const { maxHeldBytes } = this.#options;
    for (const [key, partial] of this.#partials) {
      if (this.#heldBytes <= maxHeldBytes) return;
      this.#giveUp(nameIn(key), partial, `more than ${maxHeldBytes} bytes wait for parts`);
      // The newest message stays, so that its later parts are ignored. Older ones are removed, so that they do not pile
      // up.
      if (this.#partials.size > 1) this.#remove(key);
    }
  }

  #sweepLater(): void {
    this.#cancelSweep ??= this.#options.clock.after(MAX_WAIT_MS, () => {
      this.#cancelSweep = undefined;
      const before = this.#options.clock.now() - MAX_WAIT_MS;
      for (const [key, partial] of this.#partials) {
        if (partial.at > before) break;
        this.#giveUp(nameIn(key), partial, `no part has come for ${MAX_WAIT_MS} ms`);
        this.#remove(key);
      }
      if (this.#partials.size > 0) this.#sweepLater();
    }, { background: true });
  }

  /** Cuts text into pieces of at most this many bytes in UTF-8. It never cuts a surrogate pair. */
  #slices(text: string, bytes: number): string[] {
    if (this.#scratch.length !== bytes) this.#scratch = new Uint8Array(bytes);
    const pieces: string[] = [];
    for (let start = 0; start < text.length;) {
      // Each character takes at least one byte, so more than this cannot fit.
      const { read } = encoder.encodeInto(text.slice(start, start + bytes), this.#scratch);
      // The cut may split a surrogate pair; `encodeInto` then takes its first half as a character of its own.
      const end = start + read;
      const parted = end < text.length && isHigh(text.charCodeAt(end - 1)) && isLow(text.charCodeAt(end));
      pieces.push(text.slice(start, start = parted ? end - 1 : end));
    }
    return pieces;
  }
}

const isHigh = (unit: number): boolean => (unit & 0xfc00) === 0xd800;
const isLow = (unit: number): boolean => (unit & 0xfc00) === 0xdc00;

function randomToken(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => (byte % 36).toString(36)).join("");
}

function slicesOf(data: Uint8Array<ArrayBuffer>, bytes: number): Uint8Array<ArrayBuffer>[] {
  const count = Math.ceil(data.length / bytes);
  return Array.from({ length: count }, (_, i) => data.subarray(i * bytes, (i + 1) * bytes));
}

function withHead(head: string, piece: AdapterData): AdapterData {
  if (typeof piece === "string") return head + piece;
  const part = new Uint8Array(head.length + piece.length);
  encoder.encodeInto(head, part);
  part.set(piece, head.length);
  return part;
}

function isPart(data: AdapterData): boolean {
  return typeof data === "string" ? data.startsWith(MARK) : startsWith(data, MARK_BYTES);
}

const asciiOf = (bytes: Uint8Array): string => String.fromCharCode(...bytes);

const nameIn = (key: string): string => key.slice(key.indexOf(" ") + 1);

/** Whether both are text, or both are bytes. */
const isLike = (piece: AdapterData, first: AdapterData | undefined): boolean =>
  first === undefined || typeof piece === typeof first;

function joined(pieces: readonly AdapterData[]): AdapterData {
  if (typeof pieces[0] === "string") return pieces.join("");
  const parts = pieces as readonly Uint8Array[];
  const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
