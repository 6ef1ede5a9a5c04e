/**
 * The log of one channel in memory.
 *
 * @module
 */

import type { Clock, Position } from "../../contract/mod.ts";
import type { AppendOptions, ReadOptions, StoredPage, StoredRecord } from "../history_store.ts";

/** The approximate memory of a record beside its text, in bytes. */
const RECORD_BYTES = 64;

interface Kept extends StoredRecord {
  readonly at: number;
  readonly bytes: number;
  readonly key: string | undefined;
}

/** The latest messages of a channel, limited by number and age. */
export class HistoryLog {
  readonly epoch: string;
  readonly #clock: Clock;
  #records: Kept[] = [];
  #start = 0;
  #last: number;
  #size = 0;
  #ttlMs = Infinity;
  #brief = false;
  #bytes = 0;
  /** The offsets of messages with a key. Absent while no message has one. */
  #keys: Map<string, number> | undefined;

  /**
   * @param position The position to continue from. The log keeps no message up to it.
   * @param clock The source of time.
   */
  constructor([epoch, last]: Position, clock: Clock) {
    this.epoch = epoch;
    this.#last = last;
    this.#clock = clock;
  }

  /** Whether the log may be forgotten when all messages have expired, because no client returns to it. */
  get brief(): boolean {
    return this.#brief;
  }

  /** The offset of the newest message. */
  get last(): number {
    return this.#last;
  }

  /** How many bytes the messages take. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether the log keeps no messages. */
  get empty(): boolean {
    return this.#start === this.#records.length;
  }

  /**
   * Appends a message.
   *
   * @returns Its offset. If the key is known, the offset of the earlier message.
   */
  append(
    data: string,
    { size, ttlMs, brief = false, idempotencyKey: key, onKnown }: AppendOptions,
  ): number {
    this.#size = size;
    this.#ttlMs = ttlMs;
    this.#brief = brief;
    if (key !== undefined && this.#keys) {
      this.expire();
      const known = this.#keys.get(key);
      if (known !== undefined) {
        onKnown?.();
        return known;
      }
    }
    const offset = ++this.#last;
    const bytes = utf8Bytes(data) + (key === undefined ? 0 : utf8Bytes(key)) + RECORD_BYTES;
    this.#records.push({ offset, data, at: this.#clock.now(), bytes, key });
    this.#bytes += bytes;
    if (key !== undefined) (this.#keys ??= new Map()).set(key, offset);
    this.expire();
    return offset;
  }

  /** Reads messages. See `HistoryStore.read`. */
  read({ since, limit = Infinity, reverse = false }: ReadOptions = {}): StoredPage {
    this.expire();
    const first = this.#last - (this.#records.length - this.#start) + 1;
    const complete = since === undefined ||
      (since[0] === this.epoch && since[1] + 1 >= first && since[1] <= this.#last);
    const from = this.#start + (since && complete ? since[1] + 1 - first : 0);
    const count = Math.max(0, Math.min(limit, this.#records.length - from));
    const begin = reverse ? this.#records.length - count : from;
    const now = this.#clock.now();
    const records: StoredRecord[] = new Array(count);
    for (let i = 0; i < count; i++) {
      const { offset, data, at } = this.#records[reverse ? begin + count - 1 - i : begin + i]!;
      records[i] = { offset, data, ageMs: Math.max(0, now - at) };
    }
    return { position: [this.epoch, this.#last], complete, records };
  }

  /**
   * Drops messages that are too old or too many. It moves a start index, which is cheap, and copies the array only from
   * time to time.
   */
  expire(): void {
    const oldest = this.#ttlMs === Infinity ? -Infinity : this.#clock.now() - this.#ttlMs;
    while (!this.empty && (this.#count > this.#size || this.#records[this.#start]!.at < oldest)) this.drop();
    if (this.#start > this.#size) {
      this.#records = this.#records.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Drops the oldest message. */
  drop(): void {
    const { bytes, key, offset } = this.#records[this.#start]!;
    this.#bytes -= bytes;
    if (key !== undefined && this.#keys?.get(key) === offset) this.#keys.delete(key);
    this.#start++;
  }

  get #count(): number {
    return this.#records.length - this.#start;
  }
}

/** The length of a text in UTF-8, in bytes. */
function utf8Bytes(text: string): number {
  let bytes = text.length;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit < 0x80) continue;
    if (unit < 0x800) bytes++;
    else if (unit < 0xd800 || unit > 0xdbff) bytes += 2;
    else {
      bytes += 2; // four bytes for the pair
      i++;
    }
  }
  return bytes;
}
