/**
 * Shares reads of histories between many clients. `SharedReads` reads one topic for reconnecting clients: few reads
 * run at once, and a client waits for a read that covers its position. `SameReads` shares reads of the same page.
 *
 * @module
 */

import type { StoredPage } from "../../adapters/history_store.ts";
import { defer, type Deferred, type Position } from "../../contract/mod.ts";
import { isPromise } from "../backplane/deadline.ts";

/** How many reads of one topic may run at once. */
const MAX_READS = 2;

/** The options of {@linkcode SharedReads}. */
export interface SharedReadsOptions {
  /** Returns a page without a read, if it can. */
  known(since: Position, limit: number): StoredPage | undefined;
  /** Reads from the store. The records of the page are then available in `known`. */
  read(since: Position, limit: number): StoredPage | Promise<StoredPage>;
  /** How many records a read should ask for, when the caller wants `limit` records. */
  pageSize(limit: number): number;
}

interface Read {
  readonly since: Position;
  readonly limit: number;
  /** When it began: the number of the last call that had to wait before it. */
  readonly began: number;
}

interface Waiting {
  readonly since: Position;
  readonly limit: number;
  readonly number: number;
  readonly answer: Deferred<StoredPage>;
}

/** The reads of one topic. */
export class SharedReads {
  readonly #options: SharedReadsOptions;
  readonly #underWay = new Set<Read>();
  #waiting: Waiting[] = [];
  /** The number of the last call that had to wait. */
  #last = 0;

  /** @param options Its options. */
  constructor(options: SharedReadsOptions) {
    this.#options = options;
  }

  /**
   * Reads the records after a position.
   *
   * @param since The position.
   * @param limit The most records to return. The page may have fewer, even if there are more.
   */
  read(since: Position, limit: number): StoredPage | Promise<StoredPage> {
    const known = this.#options.known(since, limit);
    if (known) return known;
    if (!this.#isCovered(since) && this.#underWay.size < MAX_READS) return this.#start(since, limit);
    const answer = defer<StoredPage>();
    this.#waiting.push({ since, limit, number: ++this.#last, answer });
    return answer.promise;
  }

  #start(since: Position, wanted: number): StoredPage | Promise<StoredPage> {
    const limit = this.#options.pageSize(wanted);
    const began = this.#last;
    const page = this.#options.read(since, limit);
    if (!isPromise(page)) return cut(page, wanted);
    const read = { since, limit, began };
    this.#underWay.add(read);
    return page.then(
      (page) => {
        this.#underWay.delete(read);
        this.#goOn(read, page);
        return cut(page, wanted);
      },
      (error) => {
        this.#underWay.delete(read);
        const waiting = this.#waiting;
        this.#waiting = [];
        for (const { answer } of waiting) answer.reject(error); // so that they do not all ask a store that fails
        throw error;
      },
    );
  }

  /** A page has arrived: answers all calls that it covers. Starts reads for the others, from the oldest position on. */
  #goOn(read: Read, page: StoredPage): void {
    const left: Waiting[] = [];
    for (const waiting of this.#waiting) {
      const known = this.#options.known(waiting.since, waiting.limit) ?? partOf(page, read, waiting);
      if (known) waiting.answer.resolve(known);
      else left.push(waiting);
    }
    this.#waiting = left.sort((a, b) => a.since[1] - b.since[1]);
    while (this.#underWay.size < MAX_READS) {
      const next = this.#waiting.findIndex(({ since }) => !this.#isCovered(since));
      if (next < 0) return;
      const [{ since, limit, answer }] = this.#waiting.splice(next, 1) as [Waiting];
      try {
        answer.resolve(this.#start(since, limit));
      } catch (error) {
        answer.reject(error);
      }
    }
  }

  #isCovered(since: Position): boolean {
    return [...this.#underWay].some((read) => covers(read, since));
  }
}

/** Reads of the same page. One read runs; all calls that come meanwhile share the next read. */
export class SameReads {
  /** The running reads by page, each with the next read that waiting calls share. */
  readonly #underWay = new Map<string, { next?: Deferred<StoredPage> }>();

  /**
   * Reads a page. It contains all messages that were kept before the call, so a call never shares an earlier read.
   *
   * @param page The key of the page: its topic and all options of the read.
   * @param read Reads the page.
   */
  read(page: string, read: () => StoredPage | Promise<StoredPage>): StoredPage | Promise<StoredPage> {
    const ahead = this.#underWay.get(page);
    if (ahead) return (ahead.next ??= defer<StoredPage>()).promise;
    const answer = read();
    if (!isPromise(answer)) return answer;
    const shared: { next?: Deferred<StoredPage> } = {};
    this.#underWay.set(page, shared);
    const goOn = (): void => {
      this.#underWay.delete(page);
      try {
        shared.next?.resolve(this.read(page, read));
      } catch (error) {
        shared.next?.reject(error);
      }
    };
    const fail = (error: unknown): void => {
      this.#underWay.delete(page);
      shared.next?.reject(error); // so that they do not all ask a store that fails
    };
    answer.then(goOn, fail);
    return answer;
  }
}

/** Whether a read covers the records after a position. */
function covers({ since: [epoch, offset], limit }: Read, [wanted, from]: Position): boolean {
  return wanted === epoch && from >= offset && from < offset + limit;
}

/** The part of a page that answers a call for another position; `undefined` when the page cannot answer it. */
function partOf(
  page: StoredPage,
  read: Read,
  { since, limit, number }: Waiting,
): StoredPage | undefined {
  const { position, complete, records } = page;
  const [epoch, offset] = since;
  if (!complete) {
    // Clients can make up a position after the newest message. A page for such a position says nothing about others.
    const isCut = epoch === read.since[0] && read.since[1] <= position[1];
    // A page that was read before the call may be older than the epoch of the call.
    const isOver = epoch !== position[0] && (epoch === read.since[0] || number <= read.began);
    const isLost = isOver || isCut && offset <= read.since[1];
    return isLost ? cut(page, limit) : undefined;
  }
  if (epoch !== position[0] || epoch !== read.since[0] || offset < read.since[1]) return undefined;
  const after = records.filter((record) => record.offset > offset);
  return after.length > 0 || offset === position[1] ? cut({ ...page, records: after }, limit) : undefined;
}

function cut(page: StoredPage, limit: number): StoredPage {
  return page.records.length <= limit ? page : { ...page, records: page.records.slice(0, limit) };
}
