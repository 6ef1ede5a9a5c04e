/**
 * Reads one channel. It asks the stream's leader for the position at one moment, and then reads the batches up to it.
 *
 * @module
 */

import type { ReadOptions, StoredPage, StoredRecord } from "../../history_store.ts";
import type { LogStream } from "./log_stream.ts";
import type { Placed, TopicLog } from "./topic_log.ts";

/** How many messages one step backwards covers. */
const STEP = 512;

/**
 * Reads a channel; see `HistoryStore.read`.
 *
 * @param log The index of the channel.
 * @param stream The stream.
 * @param wall The wall-clock time, in milliseconds.
 * @param options What to read.
 */
export async function readChannel(
  log: TopicLog,
  stream: LogStream,
  wall: number,
  { since, limit = Infinity, reverse = false }: ReadOptions,
): Promise<StoredPage> {
  const { position, newest } = await log.top(stream);
  const [epoch, last] = position;
  const isOfNow = since !== undefined && since[0] === epoch && since[1] <= last;
  if (!newest) return { position, complete: since === undefined || isOfNow, records: [] };
  if (isOfNow && since[1] === last) return { position, complete: true, records: [] };
  const pages = new Pages(log, stream, newest, wall);
  if (isOfNow) {
    const records = await pages.after(since[1], limit, reverse);
    if (records) return { position, complete: true, records };
  }
  return { position, complete: since === undefined, records: await pages.all(limit, reverse) };
}

/** The batches up to the newest one. */
class Pages {
  readonly #log: TopicLog;
  readonly #stream: LogStream;
  readonly #newest: Placed;
  readonly #last: number;
  readonly #wall: number;
  /** Older messages have expired. */
  readonly #oldest: number;

  constructor(log: TopicLog, stream: LogStream, newest: Placed, wall: number) {
    this.#log = log;
    this.#stream = stream;
    this.#newest = newest;
    this.#last = newest.batch.first + newest.batch.records.length - 1;
    this.#wall = wall;
    this.#oldest = wall - newest.batch.ttlMs;
  }

  /** The messages after an offset; `undefined` if some of them are not kept. */
  async after(since: number, limit: number, reverse: boolean): Promise<StoredRecord[] | undefined> {
    const first = since + 1;
    if (reverse || limit === 0) {
      // A read of the newest messages must also tell whether all messages are there.
      if ((await this.#read(first, first)).length === 0) return undefined;
      return limit === 0
        ? []
        : page(await this.#read(Math.max(first, this.#last - limit + 1), this.#last), limit, true);
    }
    const records = await this.#read(first, Math.min(this.#last, since + limit));
    return records[0]?.offset === first ? page(records, limit, false) : undefined;
  }

  /** All kept messages. */
  async all(limit: number, reverse: boolean): Promise<StoredRecord[]> {
    if (limit === 0) return [];
    let records: StoredRecord[] = [];
    for (let to = this.#last; to > 0 && !(reverse && records.length >= limit);) {
      const from = Math.max(1, to - STEP + 1);
      const read = await this.#read(from, to);
      records = read.concat(records);
      if (read[0]?.offset !== from) break;
      to = from - 1;
    }
    return page(records, limit, reverse);
  }

  /** The messages of a range, without gaps up to its end. The oldest may be missing. */
  async #read(from: number, to: number): Promise<StoredRecord[]> {
    const { epoch, first } = this.#newest.batch;
    const batches = first <= from
      ? []
      : await this.#log.range(this.#stream, epoch, from, Math.min(to, first - 1));
    if (first <= to) batches.push(this.#newest); // it is in memory, even if the stream has removed it meanwhile
    const gone = batches.findLastIndex((placed, i) =>
      !placed || placed.at < this.#oldest || !isBefore(placed, batches[i + 1])
    );
    const kept = batches.slice(gone + 1) as Placed[];
    // The clock of another leader may be behind.
    let ageMs = 0;
    const ages = kept.toReversed().map(({ at }) => ageMs = Math.max(ageMs, this.#wall - at)).reverse();
    return kept.flatMap((placed, i) => recordsOf(placed, ages[i]!, from, to));
  }
}

/** Whether no message is between a batch and the next one. The stream may lose messages during a read. */
function isBefore({ batch: { first, records } }: Placed, next: Placed | undefined): boolean {
  return !next || first + records.length === next.batch.first;
}

function recordsOf(
  { batch: { first, records } }: Placed,
  ageMs: number,
  from: number,
  to: number,
): StoredRecord[] {
  return records.map((data, i) => ({ offset: first + i, data, ageMs }))
    .filter(({ offset }) => offset >= from && offset <= to);
}

function page(records: StoredRecord[], limit: number, reverse: boolean): StoredRecord[] {
  if (!reverse) return records.slice(0, limit);
  return records.slice(Math.max(0, records.length - limit)).reverse();
}
