/**
 * The newest messages of topics that are followed on this node, ready to be sent: whoever comes back soon is served from here, and
 * asks nothing of the store.
 *
 * @module
 */

import type { StoredPage } from "../../adapters/history_store.ts";
import type { Clock, Position } from "../../contract/mod.ts";
import type { KeptMessage } from "../outbox/kept_message.ts";
import type { HistoryTopic } from "./histories.ts";

/** What a message takes beside its text, and how often its text is there at the most: as it was kept, and encoded. */
const RECORD_BYTES = 256;
const TEXTS = 3;

interface Kept {
  readonly message: KeptMessage;
  /** When its time to live is over, by the clock. */
  readonly until: number;
}

interface Channel {
  readonly epoch: string;
  readonly records: Map<number, Kept>;
  bytes: number;
}

/**
 * Messages by channel, bounded in bytes: the channel unused longest goes first. It gives what the store would give: nothing of
 * another epoch, nothing that is too old or one too many by the contract, and nothing beyond a hole.
 */
export class RecentRecords {
  readonly #clock: Clock;
  readonly #maxBytes: number;
  /** The one unused longest first. */
  readonly #channels = new Map<string, Channel>();
  #latest: string | undefined;
  #bytes = 0;

  /**
   * @param clock Where time comes from.
   * @param maxBytes How much all of them may take, about.
   */
  constructor(clock: Clock, maxBytes: number) {
    this.#clock = clock;
    this.#maxBytes = maxBytes;
  }

  /** How much they take, in bytes, about. */
  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Keeps a message. One of which nobody knows how old it is is not kept where the topic has a time to live.
   *
   * @param topic The topic.
   * @param position Where the message stands.
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
   * What comes after a position, as far as it is known here without a hole.
   *
   * @param topic The topic.
   * @param since The position.
   * @param limit At most so many.
   * @param now Where the topic stands on this node.
   * @returns The page; `undefined` where the store has to be asked.
   */
  page(topic: HistoryTopic, since: Position, limit: number, now: Position): StoredPage | undefined {
    const { channel, history: { size } } = topic;
    const [epoch, last] = now;
    const first = since[1] + 1;
    if (since[0] !== epoch || first > last || first <= last - size) return undefined;
    const kept = this.#use(channel);
    const oldest = kept?.epoch === epoch ? kept.records.get(first) : undefined;
    if (!oldest || oldest.until < this.#clock.now()) return undefined; // those after it are younger
    const records: KeptMessage[] = [];
    for (let offset = first; offset <= last && records.length < limit; offset++) {
      const record = kept!.records.get(offset);
      if (!record) break;
      records.push(record.message);
    }
    return { position: now, complete: true, records };
  }

  /** The message at a position, as old as it may be; `undefined` when it is not here. */
  get(channel: string, [epoch, offset]: Position): KeptMessage | undefined {
    const kept = this.#channels.get(channel);
    return kept?.epoch === epoch ? kept.records.get(offset)?.message : undefined;
  }

  /** How many UTF-16 units a message of a channel has on average; `undefined` where none is known. */
  averageLength(channel: string): number | undefined {
    const kept = this.#channels.get(channel);
    if (!kept || kept.records.size === 0) return undefined;
    return Math.max(0, kept.bytes / kept.records.size - RECORD_BYTES) / TEXTS;
  }

  /** Nobody follows a channel any more. */
  drop(channel: string): void {
    const kept = this.#channels.get(channel);
    if (!kept) return;
    this.#bytes -= kept.bytes;
    this.#channels.delete(channel);
  }

  #use(channel: string): Channel | undefined {
    const kept = this.#channels.get(channel);
    if (!kept || this.#latest === channel) return kept; // messages of one topic come in rows
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
