/**
 * Which batches of one channel there are, as far as a node knows, and which idempotency keys they have. Holes between them are
 * allowed: they are filled when somebody asks for what is there.
 *
 * @module
 */

import type { Batch, EarlierBatch } from "./batch.ts";

/** How many earlier batches each batch names. */
const NAMED = 16;
/** After so many batches one names all since the last that did, with their keys: a page. */
const PAGE_EVERY = 64;
/** How many a page names at the most. */
const MAX_PAGE = 2 * PAGE_EVERY;
/** A batch with more keys than that is read to know them: it is worth a request. */
const MAX_PAGE_KEYS = 16;
/** How much text the keys of a page have, in UTF-16 units. */
const MAX_PAGE_LENGTH = 32 * 1024;

/** A batch, as the index has it. */
export interface Entry {
  readonly seq: number;
  readonly first: number;
  readonly count: number;
  /** When the server has taken it, about; `undefined` while that is not known. */
  at: number | undefined;
  /** Its idempotency keys; `undefined` while nobody has looked. */
  keys: readonly string[] | undefined;
  /** Whether it is known to be a page. */
  isPage: boolean;
  /** Whether the one before it is known to be that, as another batch has named both; offsets alone are no proof. */
  isLinked: boolean;
}

/** A batch with its place. */
export interface Placed {
  readonly seq: number;
  readonly at: number;
  readonly batch: Batch;
}

/** The batches of one epoch of a channel. */
export class BatchIndex {
  /** In order. */
  readonly #entries: Entry[] = [];
  /** The keys of all of them, with their offsets. */
  readonly #offsets = new Map<string, number>();
  /** Those whose keys nobody has looked for. */
  readonly #unread = new Set<Entry>();
  /** Below this offset nothing is kept, as whoever has removed it tells. */
  #told = 1;
  /** Below this offset nothing is kept, as this node has seen as well. */
  #floor = 1;
  #top: Entry | undefined;
  #isTopKnown = true;

  /** How much it remembers: batches and keys. */
  get size(): number {
    return this.#entries.length + this.#offsets.size;
  }

  /** The newest batch. */
  get newest(): Entry | undefined {
    return this.#entries.at(-1);
  }

  /** The oldest batch that is known. */
  get oldest(): Entry | undefined {
    return this.#entries[0];
  }

  /** The newest batch before which there may be others that are not known; `undefined` when all are. */
  get top(): Entry | undefined {
    if (!this.#isTopKnown) this.#top = this.#entries.findLast((_, i) => this.#isOpenAt(i));
    this.#isTopKnown = true;
    return this.#top;
  }

  /** Whether there may be batches before this one that are not known. */
  isOpen(entry: Entry): boolean {
    const i = this.#lowest(entry.first);
    return this.#entries[i] === entry && this.#isOpenAt(i);
  }

  /** Whether it has all batches up to the newest, with all keys. */
  get isComplete(): boolean {
    return this.#entries.length > 0 && this.#unread.size === 0 && this.top === undefined;
  }

  /** The oldest offset that may be kept. */
  get floor(): number {
    return this.#floor;
  }

  /** The same as the others are to know it: what a replica did not have when it was asked is no reason. */
  get toldFloor(): number {
    return this.#told;
  }

  /** All batches that are known, the oldest first. */
  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** The offset of the message that has this key; `undefined` as well where not all batches are known, or were looked at. */
  offsetOf(key: string): number | undefined {
    return this.#offsets.get(key);
  }

  /** The batch that has the message with this key. */
  entryOf(key: string): Entry | undefined {
    const offset = this.#offsets.get(key);
    return offset === undefined ? undefined : this.#entries[this.#lowest(offset + 1) - 1];
  }

  /** So many of the batches whose keys are not known, of all that are. */
  unread(limit: number): Entry[] {
    const some: Entry[] = [];
    for (const entry of this.#unread) {
      if (some.length >= limit) break;
      some.push(entry);
    }
    return some;
  }

  /** A batch was written, heard or read: it tells of those before it as well. */
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

  /** A batch is not kept any more, and nothing that is older. */
  gone({ first, count }: Entry): void {
    this.dropBefore(first + count);
  }

  /** What is before an offset was removed. */
  removedBefore(offset: number): void {
    this.#told = Math.max(this.#told, offset);
    this.dropBefore(offset);
  }

  /** Nothing before an offset is there. */
  dropBefore(offset: number): void {
    if (offset <= this.#floor) return;
    this.#floor = offset;
    this.#isTopKnown = false;
    const kept = this.#entries.findIndex(({ first }) => first >= offset);
    this.#forget(this.#entries.splice(0, kept < 0 ? this.#entries.length : kept));
  }

  /** Nothing with a higher number than that is kept. */
  dropAfter(seq: number): void {
    let kept = this.#entries.length;
    while (kept > 0 && this.#entries[kept - 1]!.seq > seq) kept--;
    if (kept === this.#entries.length) return;
    this.#isTopKnown = false;
    this.#forget(this.#entries.splice(kept));
  }

  /** What the next batch names: the newest first. */
  named(): EarlierBatch[] {
    return this.#newest(NAMED).map(({ seq, count }) => ({ seq, count }));
  }

  /** What the next batch names if it is to be a page: now and then, so that few requests find all keys. */
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
        return offset >= first && offset < first + count ? [[key, offset] as const] : []; // else it came again
      });
      return { seq, count, keys: new Map(own) };
    });
  }

  /** The newest batches without a hole between them, the newest first. */
  #newest(most: number): Entry[] {
    const some: Entry[] = [];
    for (let i = this.#entries.length - 1; i >= 0 && some.length < most; i--) {
      const entry = this.#entries[i]!;
      some.push(entry);
      if (this.#isOpenAt(i)) break;
    }
    return some;
  }

  /** Takes in batches that follow one another without a hole. */
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
    const contradicts = met < known.size; // all was removed, and the count began anew
    if (contradicts) this.#forget(this.#entries.splice(0));
    this.#entries.splice(contradicts ? 0 : from, to - from, ...merged);
    for (const [i, entry] of merged.entries()) {
      if (i > 0) entry.isLinked = true;
      if (entry.keys) this.#unread.delete(entry);
      else this.#unread.add(entry);
    }
    // Mostly it is the next one, and all before it were known.
    const isNext = met === run.length - 1 && met > 0 && this.newest === run.at(-1);
    if (!isNext || contradicts || (this.#top?.first ?? 0) > start) this.#isTopKnown = false;
  }

  #isOpenAt(i: number): boolean {
    const [before, entry] = [this.#entries[i - 1], this.#entries[i]!];
    return entry.first > this.#floor && !(before && entry.isLinked && follows(entry, before));
  }

  /** Where the first batch is that begins at an offset or after it. */
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
    // A key comes again when the message that had it has expired.
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

/** Whether there is nothing between two batches. */
function follows({ first }: Entry, before: Entry): boolean {
  return before.first + before.count === first;
}

/** The entries of the batches that a batch names, the oldest first. */
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
