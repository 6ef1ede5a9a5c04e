/**
 * The newest messages of the topics that this node follows, ready to be sent. A client that reconnects soon gets its
 * missed messages from here, without a read from the store.
 *
 * @module
 */

import type { StoredPage } from "../../adapters/history_store.ts";
import type { Clock, Position } from "../../contract/mod.ts";
import type { KeptMessage } from "../outbox/kept_message.ts";
import type { HistoryTopic } from "./histories.ts";

/** The size of a message without its text, in bytes; and how many copies of its text there are at most. */
const RECORD_BYTES = 256;
const TEXTS = 3;

interface Kept {
  readonly message: KeptMessage;
  /** The end of its time to live, by the clock. */
  readonly until: number;
}

interface Channel {
  readonly epoch: string;
  readonly records: Map<number, Kept>;
  bytes: number;
}

/**
 * Messages by channel, with a limit in bytes. The channel that was unused longest is dropped first. A page has the same
 * records as a page of the store. It ends at the first hole. It has only records of the present epoch, within `size`
 * and `ttlMs` of the contract.
 */
export class RecentRecords {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  /** The channel unused longest first. */
  readonly #channels = new Map<string, Channel>();
  #latest: string | undefined;
  #bytes = 0;

  /**
   * @param clock The clock.
   * @param maxBytes The limit of all messages together, in bytes (an estimate).
   */
  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
  }

  /** The size of all messages together, in bytes (an estimate). */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Keeps a message. On a topic with a time to live, a message of unknown age is not kept.
   *
   * @param topic The topic.
   * @param position The message's position.
   * @param message The message.
   */
  add({ channel, history }: HistoryTopic, [epoch, offset]: Position, message: KeptMessage): void {
    const { size, ttlMs = Infinity } = history;
    const { ageMs } = message;
    if (ttlMs !== Infinity && ageMs === undefined) return;
    const until = ttlMs === Infinity ? Infinity : this.#clock.now() + ttlMs - ageMs!;
    let kept = this.#use(channel);
    if (kept?.epoch !== epoch) {
      this.drop(channel);
      this.#channels.set(channel, kept = { epoch, records: new Map(), bytes: 0 });
      this.#latest = channel;
    }
    this.#forget(kept, offset);
    kept.records.set(offset, { message, until });
    this.#count(kept, bytesOf(message));
    for (const oldest of kept.records.keys()) {
      if (kept.records.size <= size) break;
      this.#forget(kept, oldest);
    }
    if (this.#bytes > this.#maxBytes) this.#makeRoom(channel, kept);
  }

  /**
   * Returns the messages after a position, up to the first hole.
   *
   * @param topic The topic.
   * @param since The position.
   * @param limit The most messages to return.
   * @param now The topic's position on this node.
   * @returns The page; `undefined` when the store must be read.
   */
  page(topic: HistoryTopic, since: Position, limit: number, now: Position): StoredPage | undefined {
    const { channel, history: { size } } = topic;
    const [epoch, last] = now;
    const first = since[1] + 1;
    if (since[0] !== epoch || first > last || first <= last - size) return undefined;
    const kept = this.#use(channel);
    const oldest = kept?.epoch === epoch ? kept.records.get(first) : undefined;
    if (!oldest || oldest.until < this.#clock.now()) return undefined; // later records are younger
    const records: KeptMessage[] = [];
    for (let offset = first; offset <= last && records.length < limit; offset++) {
      const record = kept!.records.get(offset);
      if (!record) break;
      records.push(record.message);
    }
    return { position: now, complete: true, records };
  }

  /** The message at a position, of any age; `undefined` when it is not here. */
  get(channel: string, [epoch, offset]: Position): KeptMessage | undefined {
    const kept = this.#channels.get(channel);
    return kept?.epoch === epoch ? kept.records.get(offset)?.message : undefined;
  }

  /** The average length of a channel's messages, in UTF-16 units; `undefined` without messages. */
  averageLength(channel: string): number | undefined {
    const kept = this.#channels.get(channel);
    if (!kept || kept.records.size === 0) return undefined;
    return Math.max(0, kept.bytes / kept.records.size - RECORD_BYTES) / TEXTS;
  }

  /** Forgets a channel that is no longer followed. */
  drop(channel: string): void {
    const kept = this.#channels.get(channel);
    if (!kept) return;
    this.#bytes -= kept.bytes;
    this.#channels.delete(channel);
  }

  #use(channel: string): Channel | undefined {
    const kept = this.#channels.get(channel);
    if (!kept || this.#latest === channel) return kept; // messages of one topic often come in a row
    this.#channels.delete(channel);
    this.#channels.set(channel, kept);
    this.#latest = channel;
    return kept;
  }

  #forget(kept: Channel, offset: number): void {
    const record = kept.records.get(offset);
    if (!record) return;
    kept.records.delete(offset);
    this.#count(kept, -bytesOf(record.message));
  }

  #count(kept: Channel, bytes: number): void {
    kept.bytes += bytes;
    this.#bytes += bytes;
  }

  #makeRoom(own: string, kept: Channel): void {
    for (const channel of this.#channels.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      if (channel !== own) this.drop(channel);
    }
    for (const offset of kept.records.keys()) {
      if (this.#bytes <= this.#maxBytes) return;
      this.#forget(kept, offset);
    }
  }
}

function bytesOf({ data }: KeptMessage): number {
  return data.length * TEXTS + RECORD_BYTES;
}
