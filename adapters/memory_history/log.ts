/**
 * The log of one channel in memory.
 *
 * @module
 */

import type { Clock, Position } from "../../contract/mod.ts";
import type { AppendOptions, ReadOptions, StoredPage, StoredRecord } from "../history_store.ts";

/** How much the engine takes for a record beside its text, about, in bytes. */
const RECORD_BYTES = 64;

interface Kept extends StoredRecord {
  readonly at: number;
  readonly bytes: number;
  readonly key: string | undefined;
}

/** The latest messages of a channel: a ring, bounded by number and age. */
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
  /** The offsets of messages that have a key; absent while none has. */
  #keys: Map<string, number> | undefined;

  /**
   * @param position Where it goes on from; nothing up to there is kept.
   * @param clock Where time comes from.
   */
  constructor([epoch, last]: Position, clock: Clock) {
    this.epoch = epoch;
    this.#last = last;
    this.#clock = clock;
  }

  /** Whether nobody comes back when all has expired. */
  get brief(): boolean {
    return this.#brief;
  }

  /** The offset of the newest message. */
  get last(): number {
    return this.#last;
  }

  /** How much is kept, in bytes. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether nothing is kept. */
  get empty(): boolean {
    return this.#start === this.#records.length;
  }

  /**
   * Keeps a message.
   *
   * @returns Its offset; that of the earlier one, where the key is known.
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

  /** Reads what is kept; see `HistoryStore.read`. */
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

  /** Forgets what is too old or too much. Moving a start and cutting now and then keeps it cheap. */
  expire(): void {
    const oldest = this.#ttlMs === Infinity ? -Infinity : this.#clock.now() - this.#ttlMs;
    while (!this.empty && (this.#count > this.#size || this.#records[this.#start]!.at < oldest)) this.drop();
    if (this.#start > this.#size) {
      this.#records = this.#records.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Forgets the oldest message. */
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

/** How many bytes text has in UTF-8. */
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
