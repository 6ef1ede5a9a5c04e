/**
 * Where the batches of one channel are, as far as a node knows: an index that grows with what it writes, hears and reads,
 * so that few requests find what is asked for.
 *
 * @module
 */

import type { Position } from "../../../contract/mod.ts";
import { decodeBatch, type EarlierBatch } from "./batch.ts";
import { BatchIndex, type Entry, type Placed } from "./batch_index.ts";
import { RefusedError } from "./errors.ts";
import type { LogStream, Stored } from "./log_stream.ts";

export type { Placed } from "./batch_index.ts";

/** How many requests are under way at once for one channel. */
const AT_ONCE = 64;
/** The life may change while a channel is read; then it is read again. */
const MAX_ATTEMPTS = 5;

/** Where a channel stands. */
export interface Top {
  readonly position: Position;
  /** The newest batch; `undefined` when there is none. */
  readonly newest: Placed | undefined;
}

/** What the writer of the next batch has to know. */
export interface Tail {
  readonly subject: string;
  readonly position: Position;
  /** The number of the newest batch; 0 when there is none. */
  readonly seq: number;
}

/** What a batch tells of those before it. */
export interface Before {
  readonly earlier: readonly EarlierBatch[];
  /** What it names instead where there is room, if it is time for a page. */
  readonly page: readonly EarlierBatch[] | undefined;
  /** The oldest offset that is kept, as far as is known. */
  readonly floor: number;
}

/** The index of one channel. */
export class TopicLog {
  readonly channel: string;
  #life = "";
  #epoch = "";
  #index = new BatchIndex();
  #tail: Tail | undefined;
  /** Whether nobody comes back to it when all has expired: then it is no loss that it is gone. */
  #brief = false;

  /** @param channel The channel. */
  constructor(channel: string) {
    this.channel = channel;
  }

  /** How much it remembers: batches and keys. */
  get size(): number {
    return this.#index.size;
  }

  /** Where the next batch goes, asking the stream only where that is not known. */
  async tail(stream: LogStream): Promise<Tail> {
    // Of a channel without messages the epoch changes when others are forgotten.
    if (!this.#tail?.seq) await this.top(stream);
    return this.#tail!;
  }

  /** What is known of the tail may be wrong. */
  doubt(): void {
    this.#tail = undefined;
  }

  /** Asks the stream where the channel stands. */
  async top(stream: LogStream): Promise<Top> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { life } = await stream.ready();
      const subject = stream.subjectOf(life, this.channel);
      const known = this.#index.newest;
      const stored = await stream.last(subject);
      if (stored) {
        const newest = await readNewest(stream, stored);
        this.#learn(life, subject, newest);
        const { epoch, first, records } = newest.batch;
        return { position: [epoch, first + records.length - 1], newest };
      }
      // After the channel: whoever forgets one changes the head first.
      const head = await stream.head();
      if (head.life !== life) continue;
      if (this.#epoch === `${life}.${head.round}` && this.#index.newest) {
        if (!known || !this.#index.entries.includes(known)) continue; // it was written meanwhile
        if (!this.#brief) await stream.nextRound(); // somebody has removed it all, though it is not forgotten
        this.#reset("", "");
        continue;
      }
      const position: Position = [`${life}.${head.round}`, 0];
      this.#reset(life, position[0]);
      this.#tail = { subject, position, seq: 0 };
      return { position, newest: undefined };
    }
    throw new RefusedError("the stream begins new lives all the time");
  }

  /** This node has written a batch, or hears of one. */
  wrote(subject: string, placed: Placed): void {
    const tail = this.#tail;
    if (tail?.subject !== subject) return this.doubt();
    // What is heard may be old. What is newer than all that is known is the newest, whether all before it was heard or not.
    if (placed.seq > tail.seq) this.#learn(this.#life, subject, placed);
  }

  /** What the batch after a tail tells of those before it; `undefined` when others have come after that tail. */
  before({ subject, seq }: Tail): Before | undefined {
    if (this.#tail?.subject !== subject || this.#tail.seq !== seq) return undefined;
    const index = this.#index;
    if ((index.newest?.seq ?? 0) === seq) {
      return { earlier: index.named(), page: index.page(), floor: index.toldFloor };
    }
    this.doubt(); // the stream has lost batches, or shows some that it had lost
    return undefined;
  }

  /** Whether no message that is kept has this key, as far as that is known without a request. */
  isNew(key: string): boolean {
    const { isComplete } = this.#index;
    return isComplete && this.#index.offsetOf(key) === undefined;
  }

  /** The position of a message that has this key, among those that are kept and came not before a moment. */
  async find(stream: LogStream, key: string, before: number): Promise<Position | undefined> {
    await this.#reach(stream, 1, { withKeys: true });
    const entry = this.#index.entryOf(key);
    if (entry && entry.at === undefined) await this.#fetchAll(stream, [entry]);
    if (!this.#positionOf(key, before)) return undefined;
    await this.top(stream); // it may be gone, with all that was kept
    return this.#positionOf(key, before);
  }

  #positionOf(key: string, before: number): Position | undefined {
    const { at = Infinity } = this.#index.entryOf(key) ?? {};
    const offset = at < before ? undefined : this.#index.offsetOf(key);
    return offset === undefined ? undefined : [this.#epoch, offset];
  }

  /**
   * Reads batches, the oldest first.
   *
   * @param stream The stream.
   * @param epoch The epoch that they are of.
   * @param from The first offset.
   * @param to The last.
   * @returns Of each batch that has some of them what the stream has kept. Those that are missing are the oldest.
   */
  async range(stream: LogStream, epoch: string, from: number, to: number): Promise<(Placed | undefined)[]> {
    await this.#reach(stream, from);
    if (epoch !== this.#epoch) return [];
    const wanted = this.#index.entries.filter(({ first, count }) => first <= to && first + count > from);
    return await this.#fetchAll(stream, wanted);
  }

  /** How many messages are kept, as far as is known. */
  get kept(): number {
    return this.#tail ? this.#tail.position[1] - this.#index.floor + 1 : 0;
  }

  /** Whether the oldest batch that it knows is from before a moment, or may be. */
  isStale(before: number): boolean {
    const { oldest, newest } = this.#index;
    return oldest !== newest && (oldest?.at ?? -Infinity) < before;
  }

  /**
   * Removes the oldest batches, but for those that have the newest `size` messages that came not before a moment, and the
   * newest of all.
   */
  async trim(stream: LogStream, size: number, before: number): Promise<void> {
    const tail = this.#tail;
    if (!tail) return;
    const index = this.#index;
    const last = tail.position[1];
    await this.#reach(stream, last - size + 1);
    // Of those that others have named nobody knows yet when they came.
    const undated = index.entries.slice(0, AT_ONCE).filter(({ at }) => at === undefined);
    if (index.oldest?.at === undefined) await this.#fetchAll(stream, undated);
    const { entries } = index;
    const bySize = entries.findLastIndex(({ first }) => last - first + 1 >= size);
    const byAge = entries.findLastIndex(({ at }) => at !== undefined && at < before) + 1;
    const cut = Math.min(Math.max(bySize, byAge), entries.length - 1);
    const oldest = entries[cut];
    if (!oldest || cut === 0 || this.#index !== index) return; // it has begun anew meanwhile
    await stream.purge(tail.subject, { seq: oldest.seq });
    index.removedBefore(oldest.first);
  }

  #reset(life: string, epoch: string): void {
    this.#life = life;
    this.#epoch = epoch;
    this.#index = new BatchIndex();
    this.#tail = undefined;
  }

  #learn(life: string, subject: string, placed: Placed): void {
    const { seq, batch: { epoch, first, records, brief } } = placed;
    if (life !== this.#life || epoch !== this.#epoch) this.#reset(life, epoch);
    if (seq < (this.#index.newest?.seq ?? 0)) {
      if (this.#tail) return; // an answer that is late
      this.#index.dropAfter(seq); // the stream has lost what came after it
    }
    this.#brief = brief;
    this.#index.add(placed);
    if (this.#index.newest?.seq !== seq) {
      this.#index = new BatchIndex(); // what it knew is gone, and the count began anew
      this.#index.add(placed);
    }
    this.#tail = { subject, position: [epoch, first + records.length - 1], seq };
  }

  /** Makes the index reach back to an offset, or to the oldest batch that is kept; with the keys of all if they are wanted. */
  async #reach(stream: LogStream, offset: number, { withKeys = false } = {}): Promise<void> {
    for (;;) {
      const index = this.#index;
      const top = index.top && index.top.first > offset ? index.top : undefined;
      const wanted = new Set(withKeys ? index.unread(AT_ONCE) : []);
      if (top) wanted.add(top);
      if (wanted.size === 0) return;
      await this.#fetchAll(stream, [...wanted]);
      if (top && index.isOpen(top)) index.dropBefore(top.first); // what it names contradicts what others do
    }
  }

  async #fetchAll(stream: LogStream, entries: readonly Entry[]): Promise<(Placed | undefined)[]> {
    const [index, epoch] = [this.#index, this.#epoch];
    const fetched: (Placed | undefined)[] = [];
    for (let i = 0; i < entries.length; i += AT_ONCE) {
      fetched.push(
        ...await Promise.all(
          entries.slice(i, i + AT_ONCE).map(async (entry) => {
            const stored = await stream.at(entry.seq);
            const placed = stored && readPlaced(stored);
            if (placed && placed.batch.epoch === epoch && isOf(placed, entry)) {
              index.add(placed);
              return placed;
            }
            index.gone(entry);
            return undefined;
          }),
        ),
      );
    }
    return fetched;
  }
}

/** Whether a batch is the one that the index has there. */
function isOf({ batch: { first, records } }: Placed, entry: Entry): boolean {
  return first === entry.first && records.length === entry.count;
}

/** As {@linkcode readPlaced}; what no hub has written is removed, with the channel: nobody knows its count any more. */
async function readNewest(stream: LogStream, stored: Stored): Promise<Placed> {
  try {
    return readPlaced(stored);
  } catch (error) {
    await stream.nextRound();
    await stream.purge(stored.subject, { seq: stored.seq + 1 });
    throw error;
  }
}

/**
 * Reads a batch out of the stream.
 *
 * @param stored What the stream has kept.
 * @throws {RefusedError} If no hub has written it.
 */
export function readPlaced({ seq, at, subject, data }: Stored): Placed {
  const batch = decodeBatch(data);
  if (batch) return { seq, at, batch };
  throw new RefusedError(
    `message ${seq} on ${subject} is of no hub: somebody else publishes there. Remove it`,
  );
}
