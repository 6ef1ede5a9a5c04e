/**
 * A node's index of the batches of one channel. The index grows with what the node writes, receives and reads, so that
 * few requests find a batch.
 *
 * @module
 */

import type { Position } from "../../../contract/mod.ts";
import { decodeBatch, type EarlierBatch } from "./batch.ts";
import { BatchIndex, type Entry, type Placed } from "./batch_index.ts";
import { RefusedError } from "./errors.ts";
import type { LogStream, Stored } from "./log_stream.ts";
import { type Newest, notYet } from "./order.ts";

export type { Placed } from "./batch_index.ts";

/** The most requests under way at once for one channel. */
const AT_ONCE = 64;
/**
 * How long a leader may be behind what the node knows, in milliseconds. After that, the stream has lost the messages that
 * the leader does not have.
 */
const MAX_BEHIND_MS = 10_000;
/** The life may change while a channel is read. Then it is read again, at most this many times. */
const MAX_ATTEMPTS = 5;

/** The position of a channel and its newest batch. */
export interface Top {
  readonly position: Position;
  /** The newest batch; `undefined` when there is none. */
  readonly newest: Placed | undefined;
}

/** What the writer of the next batch needs to know. */
export interface Tail {
  readonly subject: string;
  readonly position: Position;
  /** The number of the newest message on the subject, which the next batch must expect; 0 when there is none. */
  readonly seq: number;
  /** The number of the newest batch that counts. Only a stream with replicas has others after it. */
  readonly newest: number;
}

/** What a batch says about the batches before it. */
export interface Before {
  readonly earlier: readonly EarlierBatch[];
  /** A longer list that replaces `earlier` if there is room and it is time for a page. */
  readonly page: readonly EarlierBatch[] | undefined;
  /** The oldest kept offset, as far as is known. */
  readonly floor: number;
}

/** The index of one channel. */
export class TopicLog {
  readonly channel: string;
  #life = "";
  #epoch = "";
  #index = new BatchIndex();
  #tail: Tail | undefined;
  /** The tail that was known last. */
  #seen: Tail | undefined;
  /** The highest number that is known to count, also if the tail is not known, and its subject. */
  #known = { subject: "", seq: 0 };
  /** Since when the leader does not have what the node knows, by the clock. */
  #behindSince: number | undefined;
  /** Whether the channel is out of use when all its messages have expired. Then it is no loss that they are gone. */
  #brief = false;

  /** @param channel The channel. */
  constructor(channel: string) {
    this.channel = channel;
  }

  /** How many batches and keys it remembers. */
  get size(): number {
    return this.#index.size;
  }

  /** Where the next batch goes. It asks the stream only if this is not known. */
  async tail(stream: LogStream): Promise<Tail> {
    // A channel without messages gets a new epoch when other channels are forgotten.
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (!this.#tail?.seq) await this.top(stream);
      if (this.#tail) return this.#tail; // else it came into doubt meanwhile
    }
    throw new RefusedError("its newest message changes again and again");
  }

  /** The known tail may be wrong. */
  doubt(): void {
    if (this.#tail) this.#seen = this.#tail;
    this.#tail = undefined;
  }

  /** Asks the stream for the position of the channel. */
  async top(stream: LogStream): Promise<Top> {
    let reached = 0;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const { life } = await stream.ready();
      const subject = stream.subjectOf(life, this.channel);
      const known = this.#index.newest;
      const leastSeq = this.#known.subject === subject ? this.#known.seq : 0;
      const seen = this.#tail ?? this.#seen;
      const found = await stream.newest(
        subject,
        (seq) => this.counts(subject, seq),
        seen?.subject === subject ? seen : undefined,
      );
      if ((found?.stored.seq ?? 0) < leastSeq) {
        if (reached !== leastSeq) {
          if ((await stream.head()).life !== life) continue;
          await this.#expectReached(stream, leastSeq);
          reached = leastSeq; // so the next answer is right
          continue;
        }
        this.doubt();
        if (this.#known.seq === leastSeq) this.#known = { subject: "", seq: 0 };
      }
      this.#behindSince = undefined;
      if (found) {
        const newest = await readNewest(stream, found);
        this.#learn(life, subject, newest, found.last);
        const { epoch, first, records } = newest.batch;
        return { position: [epoch, first + records.length - 1], newest };
      }
      // After the channel: a node that forgets channels changes the head first.
      const head = await stream.head();
      if (head.life !== life) continue;
      if (this.#epoch === `${life}.${head.round}` && this.#index.newest) {
        if (!known || !this.#index.entries.includes(known)) continue; // it was written meanwhile
        if (!this.#brief) await stream.nextRound(); // an operator has removed the messages by hand
        this.#reset("", "");
        continue;
      }
      const position: Position = [`${life}.${head.round}`, 0];
      this.#reset(life, position[0]);
      this.#tail = { subject, position, seq: 0, newest: 0 };
      return { position, newest: undefined };
    }
    throw new RefusedError("the stream is deleted or purged again and again");
  }

  /** The leader does not have a message that the node knows. Throws if the leader may have less than the stream. */
  async #expectReached(stream: LogStream, seq: number): Promise<void> {
    if (await stream.reaches(seq)) return;
    if (stream.replicas === 1) return stream.lost(seq);
    const now = stream.jetStream.clock.now();
    this.#behindSince ??= now;
    if (now - this.#behindSince < MAX_BEHIND_MS) throw notYet(seq);
  }

  /** This node has written a batch, or has received one. */
  wrote(subject: string, placed: Placed): void {
    this.#know(subject, placed.seq);
    const tail = this.#tail;
    if (tail?.subject !== subject) return this.doubt();
    // A received batch may be old. A batch with a higher number than all known ones is the newest, even if others
    // before it are missing.
    if (placed.seq > tail.seq) this.#learn(this.#life, subject, placed);
  }

  /** This node has received a batch that does not count, and the number of the message before it. */
  passed(subject: string, seq: number, before: number): void {
    const tail = this.#tail;
    if (tail?.subject !== subject) return this.doubt();
    // If others before it are missing, the newest batch that counts is not known.
    if (before === tail.seq) this.#tail = { ...tail, seq };
  }

  /** Whether a message is known as a batch that counts. */
  counts(subject: string, seq: number): boolean {
    return this.#tail?.subject === subject && this.#index.has(seq);
  }

  /** What the batch after a tail says about earlier batches; `undefined` if other batches have come after that tail. */
  before({ subject, seq, newest }: Tail): Before | undefined {
    if (this.#tail?.subject !== subject || this.#tail.seq !== seq) return undefined;
    const index = this.#index;
    if ((index.newest?.seq ?? 0) === newest) {
      return { earlier: index.named(), page: index.page(), floor: index.toldFloor };
    }
    this.doubt(); // the stream has lost batches, or shows some that were lost before
    return undefined;
  }

  /** Whether no kept message has this key. `false` also when this is not known without a request. */
  isNew(key: string): boolean {
    const { isComplete } = this.#index;
    return isComplete && this.#index.offsetOf(key) === undefined;
  }

  /** The position of a kept message with this key that is not older than a moment. */
  async find(stream: LogStream, key: string, before: number): Promise<Position | undefined> {
    await this.#reach(stream, 1, { withKeys: true });
    const entry = this.#index.entryOf(key);
    if (entry && entry.at === undefined) await this.#fetchAll(stream, [entry]);
    if (!this.#positionOf(key, before)) return undefined;
    await this.top(stream); // the message may be gone, together with all others
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
   * @param epoch Their epoch.
   * @param from The first offset.
   * @param to The last offset.
   * @returns For each batch with some of these offsets the batch in the stream. If batches are missing, they are the
   * oldest.
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

  /** Whether the oldest known batch is from before a moment, or may be. */
  isStale(before: number): boolean {
    const { oldest, newest } = this.#index;
    return oldest !== newest && (oldest?.at ?? -Infinity) < before;
  }

  /**
   * Removes the oldest batches. It keeps the batches with the newest `size` messages that are not older than a moment, and
   * always the newest batch.
   */
  async trim(stream: LogStream, size: number, before: number): Promise<void> {
    const tail = this.#tail;
    if (!tail) return;
    const index = this.#index;
    const last = tail.position[1];
    await this.#reach(stream, last - size + 1);
    // Batches that are known only from other batches have no date yet.
    const undated = index.entries.slice(0, AT_ONCE).filter(({ at }) => at === undefined);
    if (index.oldest?.at === undefined) await this.#fetchAll(stream, undated);
    const { entries } = index;
    const bySize = entries.findLastIndex(({ first }) => last - first + 1 >= size);
    const byAge = entries.findLastIndex(({ at }) => at !== undefined && at < before) + 1;
    const cut = Math.min(Math.max(bySize, byAge), entries.length - 1);
    const oldest = entries[cut];
    if (!oldest || cut === 0 || this.#index !== index) return; // the channel has begun again meanwhile
    await stream.purge(tail.subject, { seq: oldest.seq });
    index.removedBefore(oldest.first);
  }

  #reset(life: string, epoch: string): void {
    this.#life = life;
    this.#epoch = epoch;
    this.#index = new BatchIndex();
    this.#tail = undefined;
    this.#seen = undefined;
  }

  #know(subject: string, seq: number): void {
    if (subject !== this.#known.subject || seq > this.#known.seq) this.#known = { subject, seq };
  }

  #learn(life: string, subject: string, placed: Placed, last = placed.seq): void {
    const { seq, batch: { epoch, first, records, brief } } = placed;
    if (life !== this.#life || epoch !== this.#epoch) this.#reset(life, epoch);
    if (seq < (this.#index.newest?.seq ?? 0)) {
      if (this.#tail) return; // a late answer
      this.#index.dropAfter(seq); // the stream has lost the batches after it
    }
    this.#know(subject, seq);
    this.#brief = brief;
    this.#index.add(placed);
    if (this.#index.newest?.seq !== seq) {
      this.#index = new BatchIndex(); // the known batches are gone, and the count has begun again
      this.#index.add(placed);
    }
    this.#tail = { subject, position: [epoch, first + records.length - 1], seq: last, newest: seq };
  }

  /**
   * Extends the index back to an offset, or to the oldest kept batch. With `withKeys`, it also reads the keys of all
   * batches.
   */
  async #reach(stream: LogStream, offset: number, { withKeys = false } = {}): Promise<void> {
    for (;;) {
      const index = this.#index;
      const top = index.top && index.top.first > offset ? index.top : undefined;
      const wanted = new Set(withKeys ? index.unread(AT_ONCE) : []);
      if (top) wanted.add(top);
      if (wanted.size === 0) return;
      await this.#fetchAll(stream, [...wanted]);
      if (top && index.isOpen(top)) index.dropBefore(top.first); // its list of earlier batches contradicts other lists
    }
  }

  async #fetchAll(stream: LogStream, entries: readonly Entry[]): Promise<(Placed | undefined)[]> {
    const [index, epoch] = [this.#index, this.#epoch];
    const subject = stream.subjectOf(this.#life, this.channel);
    const fetched: (Placed | undefined)[] = [];
    for (let i = 0; i < entries.length; i += AT_ONCE) {
      fetched.push(
        ...await Promise.all(
          entries.slice(i, i + AT_ONCE).map(async (entry) => {
            const placed = await fetch(stream, subject, epoch, entry);
            if (placed) index.add(placed);
            else index.gone(entry);
            return placed;
          }),
        ),
      );
    }
    return fetched;
  }
}

/** Reads the batch of an entry; `undefined` if it is removed. */
async function fetch(
  stream: LogStream,
  subject: string,
  epoch: string,
  entry: Entry,
): Promise<Placed | undefined> {
  const placed = placedOf(await stream.at(entry.seq), subject, epoch, entry);
  if (placed) return placed;
  // A replica may be behind, and one of an old version may give the number to another message. So the leader decides.
  const next = await stream.next(entry.seq, subject);
  // A newer batch was there before. Without it, a leader that is new may be behind, too.
  if (!next && stream.replicas > 1) throw notYet(entry.seq);
  return placedOf(next, subject, epoch, entry);
}

/**
 * The batch of an entry, if a message has it. If the stream has lost its newest messages, it gives their numbers again, also to
 * other channels.
 */
function placedOf(
  stored: Stored | undefined,
  subject: string,
  epoch: string,
  { seq, first, count }: Entry,
): Placed | undefined {
  if (stored?.seq !== seq || stored.subject !== subject) return undefined;
  const placed = readPlaced(stored);
  const { batch } = placed;
  return batch.epoch === epoch && batch.first === first && batch.records.length === count
    ? placed
    : undefined;
}

/**
 * As {@linkcode readPlaced}. If no hub has written the message, it removes the whole channel, because its count is
 * unknown.
 */
async function readNewest(stream: LogStream, { stored, last }: Newest): Promise<Placed> {
  try {
    return readPlaced(stored);
  } catch (error) {
    await stream.nextRound();
    await stream.purge(stored.subject, { seq: last + 1 });
    throw error;
  }
}

/**
 * Reads a batch from the stream.
 *
 * @param stored The message of the stream.
 * @throws {RefusedError} If no hub has written it.
 */
export function readPlaced({ seq, at, subject, data }: Stored): Placed {
  const batch = decodeBatch(data);
  if (batch) return { seq, at, batch };
  throw new RefusedError(
    `no hub has sent message ${seq} on ${subject}: another client publishes there. Remove the message`,
  );
}
