/**
 * Where the batches of one channel are, as far as a node knows: an index that grows with what it writes, hears and reads,
 * so that few requests find what is asked for.
 *
 * @module
 */

import type { Position } from "../../../contract/mod.ts";
import { type Batch, decodeBatch, type EarlierBatch } from "./batch.ts";
import { RefusedError } from "./errors.ts";
import type { LogStream, Stored } from "./log_stream.ts";

/** How many earlier batches each batch names. */
const NAMED = 16;
/** How many requests are under way at once for one channel. */
const AT_ONCE = 64;
/** The life may change while a channel is read; then it is read again. */
const MAX_ATTEMPTS = 5;

/** A batch, as the index has it. */
interface Entry {
  readonly seq: number;
  readonly first: number;
  readonly count: number;
  /** When the server has taken it, about; `undefined` while that is not known. */
  at: number | undefined;
  /** Its idempotency keys; `undefined` while nobody has looked. */
  keys: ReadonlyMap<string, number> | undefined;
}

/** A batch with its place. */
export interface Placed {
  readonly seq: number;
  readonly at: number;
  readonly batch: Batch;
}

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
  readonly earlier: readonly EarlierBatch[];
  readonly floor: number;
}

/** The index of one channel. */
export class TopicLog {
  readonly channel: string;
  #life = "";
  #epoch = "";
  /** The batches in order, without holes between them. */
  #entries: Entry[] = [];
  /** Whether there was none before the first entry when it was looked for. */
  #whole = false;
  #tail: Tail | undefined;
  /** Whether nobody comes back to it when all has expired: then it is no loss that it is gone. */
  #brief = false;

  /** @param channel The channel. */
  constructor(channel: string) {
    this.channel = channel;
  }

  /** How many batches it knows. */
  get size(): number {
    return this.#entries.length;
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
      const known = this.#entries.at(-1);
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
      if (this.#epoch === `${life}.${head.round}` && this.#entries.length > 0) {
        if (!known || !this.#entries.includes(known)) continue; // it was written meanwhile
        if (!this.#brief) await stream.nextRound(); // somebody has removed it all, though it is not forgotten
        this.#reset("", "");
        continue;
      }
      const position: Position = [`${life}.${head.round}`, 0];
      this.#reset(life, position[0]);
      this.#whole = true;
      this.#tail = { subject, position, seq: 0, earlier: [], floor: 1 };
      return { position, newest: undefined };
    }
    throw new RefusedError("the stream begins new lives all the time");
  }

  /** This node has written a batch, or hears of one. */
  wrote(subject: string, placed: Placed): void {
    const { seq, batch } = placed;
    // What is heard may be old, or may come before what was written before it: then the next one who asks reads.
    if (this.#tail?.subject === subject && seq <= this.#tail.seq) return;
    if (this.#tail?.subject !== subject || batch.earlier[0]?.seq !== (this.#tail.seq || undefined)) {
      return this.doubt();
    }
    this.#learn(this.#life, subject, placed);
  }

  /** The position of a message that has this key, among those that are kept and came not before a moment. */
  async find(stream: LogStream, key: string, before: number): Promise<Position | undefined> {
    await this.#reach(stream, 1);
    await this.#fetchAll(stream, this.#entries.filter(({ keys }) => !keys));
    if (!this.#positionOf(key, before)) return undefined;
    await this.top(stream); // it may be gone, with all that was kept
    return this.#positionOf(key, before);
  }

  #positionOf(key: string, before: number): Position | undefined {
    for (const { keys, at = Infinity } of this.#entries) {
      const offset = at < before ? undefined : keys?.get(key);
      if (offset !== undefined) return [this.#epoch, offset];
    }
    return undefined;
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
    const wanted = this.#entries.filter(({ first, count }) => first <= to && first + count > from);
    return await this.#fetchAll(stream, wanted);
  }

  /** How many messages are kept, as far as is known. */
  get kept(): number {
    return this.#tail ? this.#tail.position[1] - this.#tail.floor + 1 : 0;
  }

  /** Whether the oldest batch that it knows is from before a moment. */
  isStale(before: number): boolean {
    return (this.#entries[0]?.at ?? Infinity) < before && this.#entries.length > 1;
  }

  /**
   * Removes the oldest batches, but for those that have the newest `size` messages that came not before a moment, and the
   * newest of all.
   */
  async trim(stream: LogStream, size: number, before: number): Promise<void> {
    const tail = this.#tail;
    if (!tail) return;
    const last = tail.position[1];
    await this.#reach(stream, last - size + 1);
    const bySize = this.#entries.findLastIndex(({ first }) => last - first + 1 >= size);
    const byAge = this.#entries.findLastIndex(({ at }) => at !== undefined && at < before) + 1;
    const cut = Math.min(Math.max(bySize, byAge), this.#entries.length - 1);
    const oldest = this.#entries[cut];
    if (!oldest || cut === 0) return;
    await stream.purge(tail.subject, { seq: oldest.seq });
    const index = this.#entries.indexOf(oldest);
    if (index < 0 || this.#tail?.subject !== tail.subject) return; // it has begun anew meanwhile
    this.#entries.splice(0, index);
    this.#tail = { ...this.#tail, floor: oldest.first };
    this.#whole = true;
  }

  #reset(life: string, epoch: string): void {
    this.#life = life;
    this.#epoch = epoch;
    this.#entries = [];
    this.#whole = false;
    this.#tail = undefined;
  }

  #learn(life: string, subject: string, { seq, at, batch }: Placed): void {
    const { epoch, first, records, earlier, floor, keys, brief } = batch;
    if (life !== this.#life || epoch !== this.#epoch) this.#reset(life, epoch);
    const known = this.#entries.at(-1);
    if (known && this.#tail && seq < known.seq) return; // an answer that is late
    this.#brief = brief;
    if (known?.seq === seq) known.keys ??= keys;
    else {
      const between = entriesBefore(first, earlier);
      const met = between.findIndex((entry) => entry.seq === known?.seq);
      if (met < 0) {
        this.#entries = between;
        this.#whole = false;
      } else this.#entries.push(...between.slice(met + 1));
      this.#entries.push({ seq, first, count: records.length, at, keys });
    }
    // Another node may be the one that removes the oldest.
    const kept = this.#entries.findIndex((entry) => entry.first >= floor);
    if (kept > 0) this.#entries.splice(0, kept);
    const named = this.#entries.slice(-NAMED).toReversed().map(({ seq, count }) => ({ seq, count }));
    const position: Position = [epoch, first + records.length - 1];
    this.#tail = { subject, position, seq, earlier: named, floor: Math.max(floor, this.#tail?.floor ?? 0) };
  }

  /** Makes the index reach back to an offset, or to the oldest batch that is kept. */
  async #reach(stream: LogStream, offset: number): Promise<void> {
    while (!this.#whole) {
      const oldest = this.#entries[0];
      if (!oldest || oldest.first <= Math.max(offset, this.#tail?.floor ?? 1)) return;
      const [placed] = await this.#fetchAll(stream, [oldest]);
      if (this.#entries[0] !== oldest) continue; // somebody else was here meanwhile
      if (placed && placed.batch.earlier.length > 0) {
        this.#entries.unshift(...entriesBefore(oldest.first, placed.batch.earlier));
        continue;
      }
      if (!placed) this.#entries.shift();
      this.#whole = true;
    }
  }

  async #fetchAll(stream: LogStream, entries: readonly Entry[]): Promise<(Placed | undefined)[]> {
    const fetched: (Placed | undefined)[] = [];
    for (let i = 0; i < entries.length; i += AT_ONCE) {
      fetched.push(
        ...await Promise.all(
          entries.slice(i, i + AT_ONCE).map(async (entry) => {
            const stored = await stream.at(entry.seq);
            const placed = stored && readPlaced(stored);
            entry.keys = placed?.batch.keys ?? new Map();
            entry.at = placed?.at;
            return placed;
          }),
        ),
      );
    }
    return fetched;
  }
}

/** The entries of the batches that a batch names, the oldest first. */
function entriesBefore(first: number, earlier: readonly EarlierBatch[]): Entry[] {
  const entries: Entry[] = [];
  let next = first;
  for (const { seq, count } of earlier) {
    next -= count;
    entries.push({ seq, first: next, count, at: undefined, keys: undefined });
  }
  return entries.reverse();
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
