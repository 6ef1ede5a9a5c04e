/**
 * The batches of one channel that a node knows, and their idempotency keys. The index may have gaps. They are filled
 * when a request needs the batches there.
 *
 * @module
 */

import type { Batch, EarlierBatch } from "./batch.ts";

/** How many earlier batches each batch lists. */
const NAMED = 16;
/** After this many batches, one batch is a page: it lists all batches since the last page, with their keys. */
const PAGE_EVERY = 64;
/** The most batches that a page lists. */
const MAX_PAGE = 2 * PAGE_EVERY;
/** A page leaves out the keys of a batch with more keys than this. A node then reads that batch itself. */
const MAX_PAGE_KEYS = 16;
/** The most text in the keys of a page, in UTF-16 units. */
const MAX_PAGE_LENGTH = 32 * 1024;

/** A batch in the index. */
export interface Entry {
  readonly seq: number;
  readonly first: number;
  readonly count: number;
  /** About when the server got it; `undefined` while that is not known. */
  at: number | undefined;
  /** Its idempotency keys; `undefined` while they were not read. */
  keys: readonly string[] | undefined;
  /** Whether it is known to be a page. */
  isPage: boolean;
  /**
   * Whether the entry before it is certainly the batch before it, because another batch has listed both. Offsets alone
   * prove nothing.
   */
  isLinked: boolean;
}

/** A batch with its place in the stream. */
export interface Placed {
  readonly seq: number;
  readonly at: number;
  readonly batch: Batch;
}

/** The batches of one epoch of a channel. */
export class BatchIndex {
  /** The batches in order. */
  readonly #entries: Entry[] = [];
  /** The keys of all batches, with their offsets. */
  readonly #offsets = new Map<string, number>();
  /** The batches whose keys were not read. */
  readonly #unread = new Set<Entry>();
  /** The oldest offset that may be kept, according to the batches seen so far. */
  #told = 1;
  /** The oldest offset that may be kept, according to the batches and to what this node has found out itself. */
  #floor = 1;
  #top: Entry | undefined;
  #isTopKnown = true;

  /** How many batches and keys it remembers. */
  get size(): number {
    return this.#entries.length + this.#offsets.size;
  }

  /** The newest batch. */
  get newest(): Entry | undefined {
    return this.#entries.at(-1);
  }

  /** The oldest known batch. */
  get oldest(): Entry | undefined {
    return this.#entries[0];
  }

  /** The newest batch that may have unknown batches before it; `undefined` if all are known. */
  get top(): Entry | undefined {
    if (!this.#isTopKnown) this.#top = this.#entries.findLast((_, i) => this.#isOpenAt(i));
    this.#isTopKnown = true;
    return this.#top;
  }

  /** Whether there may be unknown batches before this one. */
  isOpen(entry: Entry): boolean {
    const i = this.#lowest(entry.first);
    return this.#entries[i] === entry && this.#isOpenAt(i);
  }

  /** Whether all batches up to the newest are known, with all keys. */
  get isComplete(): boolean {
    return this.#entries.length > 0 && this.#unread.size === 0 && this.top === undefined;
  }

  /** The oldest offset that may be kept. */
  get floor(): number {
    return this.#floor;
  }

  /** The same, to tell other nodes. A batch that the stream did not have when it was asked does not count here. */
  get toldFloor(): number {
    return this.#told;
  }

  /** All known batches, the oldest first. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** Whether a batch with this number in the stream is known. It looks at the newest first. */
  has(wanted: number): boolean {
    return this.#entries.findLast(({ seq }) => seq <= wanted)?.seq === wanted;
  }

  /** The offset of the message with this key. Also `undefined` if batches are unknown, or their keys were not read. */
  offsetOf(key: string): number | undefined {
    return this.#offsets.get(key);
  }

  /** The batch with the message with this key. */
  entryOf(key: string): Entry | undefined {
    const offset = this.#offsets.get(key);
    return offset === undefined ? undefined : this.#entries[this.#lowest(offset + 1) - 1];
  }

  /** Some of the known batches whose keys were not read, at most `limit`. */
  unread(limit: number): Entry[] {
    const some: Entry[] = [];
    for (const entry of this.#unread) {
      if (some.length >= limit) break;
      some.push(entry);
    }
    return some;
  }

  /** A batch was written, received or read. It also tells about the batches before it. */
  add({ seq, at, batch: { first, records, earlier, floor, keys } }: Placed): void {
    if (first < this.#floor) return;
    this.removedBefore(earlier.length > 0 ? floor : first);
    const run = entriesBefore(first, earlier).filter((entry) => entry.first >= this.#floor);
    const isPage = earlier.length > NAMED;
    run.push({ seq, first, count: records.length, at, keys: [...keys.keys()], isPage, isLinked: false });
    this.#merge(run);
    for (const [key, offset] of keys) this.#learn(key, offset);
    for (const { keys = [] } of earlier) for (const [key, offset] of keys) this.#learn(key, offset);
  }

  /** A batch and all older ones are not kept any more. */
  gone({ first, count }: Entry): void {
    this.dropBefore(first + count);
  }

  /** The messages before an offset were removed. */
  removedBefore(offset: number): void {
    this.#told = Math.max(this.#told, offset);
    this.dropBefore(offset);
  }

  /** No message before an offset is there. */
  dropBefore(offset: number): void {
    if (offset <= this.#floor) return;
    this.#floor = offset;
    this.#isTopKnown = false;
    const kept = this.#entries.findIndex(({ first }) => first >= offset);
    this.#forget(this.#entries.splice(0, kept < 0 ? this.#entries.length : kept));
  }

  /** No message with a higher number is kept. */
  dropAfter(seq: number): void {
    let kept = this.#entries.length;
    while (kept > 0 && this.#entries[kept - 1]!.seq > seq) kept--;
    if (kept === this.#entries.length) return;
    this.#isTopKnown = false;
    this.#forget(this.#entries.splice(kept));
  }

  /** The batches that the next batch lists, the newest first. */
  named(): EarlierBatch[] {
    return this.#newest(NAMED).map(({ seq, count }) => ({ seq, count }));
  }

  /** The batches that the next batch lists if it is a page, so that few requests find all keys; else `undefined`. */
  page(): EarlierBatch[] | undefined {
    const entries = this.#newest(MAX_PAGE);
    const last = entries.findIndex(({ isPage }) => isPage);
    if (entries.length < PAGE_EVERY || (last >= 0 && last < PAGE_EVERY)) return undefined;
    let length = 0;
    return entries.slice(0, last < 0 ? MAX_PAGE : last + 1).map(({ seq, first, count, keys }) => {
      if (!keys || keys.length > MAX_PAGE_KEYS) return { seq, count };
      length += keys.reduce((sum, key) => sum + key.length, 0);
      if (length > MAX_PAGE_LENGTH) return { seq, count };
      const own = keys.flatMap((key) => {
        const offset = this.#offsets.get(key) ?? 0;
        return offset >= first && offset < first + count ? [[key, offset] as const] : []; // else it was used again
      });
      return { seq, count, keys: new Map(own) };
    });
  }

  /** The newest batches up to the first gap, the newest first. */
  #newest(most: number): Entry[] {
    const some: Entry[] = [];
    for (let i = this.#entries.length - 1; i >= 0 && some.length < most; i--) {
      const entry = this.#entries[i]!;
      some.push(entry);
      if (this.#isOpenAt(i)) break;
    }
    return some;
  }

  /** Adds batches that follow each other without a gap. */
  #merge(run: readonly Entry[]): void {
    const [{ first: start }, { first: end }] = [run[0]!, run.at(-1)!];
    const from = this.#lowest(start), to = this.#lowest(end + 1, from);
    const known = new Map(this.#entries.slice(from, to).map((entry) => [entry.seq, entry]));
    let met = 0;
    const merged = run.map((entry) => {
      const before = known.get(entry.seq);
      if (before?.first !== entry.first || before.count !== entry.count) return entry;
      met++;
      before.at = entry.at ?? before.at;
      before.keys ??= entry.keys;
      before.isPage ||= entry.isPage;
      return before;
    });
    const contradicts = met < known.size; // all messages were removed, and the count has begun again
    if (contradicts) this.#forget(this.#entries.splice(0));
    this.#entries.splice(contradicts ? 0 : from, to - from, ...merged);
    for (const [i, entry] of merged.entries()) {
      if (i > 0) entry.isLinked = true;
      if (entry.keys) this.#unread.delete(entry);
      else this.#unread.add(entry);
    }
    // Mostly it is the next batch, and all batches before it are known.
    const isNext = met === run.length - 1 && met > 0 && this.newest === run.at(-1);
    if (!isNext || contradicts || (this.#top?.first ?? 0) > start) this.#isTopKnown = false;
  }

  #isOpenAt(i: number): boolean {
    const [before, entry] = [this.#entries[i - 1], this.#entries[i]!];
    return entry.first > this.#floor && !(before && entry.isLinked && follows(entry, before));
  }

  /** The index of the first batch that begins at an offset or after it. */
  #lowest(offset: number, from = 0): number {
    let to = this.#entries.length;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (this.#entries[middle]!.first < offset) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  #learn(key: string, offset: number): void {
    // A key may be used again after its message has expired.
    if (offset >= Math.max(this.#floor, this.#offsets.get(key) ?? 0)) this.#offsets.set(key, offset);
  }

  #forget(entries: readonly Entry[]): void {
    for (const entry of entries) {
      this.#unread.delete(entry);
      for (const key of entry.keys ?? []) {
        const offset = this.#offsets.get(key) ?? -1;
        if (offset >= entry.first && offset < entry.first + entry.count) this.#offsets.delete(key);
      }
    }
  }
}

/** Whether there is no gap between two batches. */
function follows({ first }: Entry, before: Entry): boolean {
  return before.first + before.count === first;
}

/** The entries for the batches that a batch lists, the oldest first. */
function entriesBefore(first: number, earlier: readonly EarlierBatch[]): Entry[] {
  const entries: Entry[] = [];
  let next = first;
  for (const { seq, count, keys } of earlier) {
    next -= count;
    entries.push({
      seq,
      first: next,
      count,
      at: undefined,
      keys: keys && [...keys.keys()],
      isPage: false,
      isLinked: false,
    });
  }
  return entries.reverse();
}
