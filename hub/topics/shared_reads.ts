/**
 * Reads of histories for many at once: of one topic for those who come back, of which few are under way, and whoever can be served
 * by one of them waits for it; and of the same page for whoever asks the store.
 *
 * @module
 */

import type { StoredPage } from "../../adapters/history_store.ts";
import { defer, type Deferred, type Position } from "../../contract/mod.ts";
import { isPromise } from "../backplane/deadline.ts";

/** How many reads of one topic are under way. */
const MAX_READS = 2;

/** What to read with. */
export interface SharedReadsOptions {
  /** What is known without a read. */
  known(since: Position, limit: number): StoredPage | undefined;
  /** Reads from the store, and makes known what was read. */
  read(since: Position, limit: number): StoredPage | Promise<StoredPage>;
  /** How many records a read should ask for, where the asker wants so many. */
  pageSize(limit: number): number;
}

interface Read {
  readonly since: Position;
  readonly limit: number;
}

interface Waiting extends Read {
  readonly answer: Deferred<StoredPage>;
}

/** The reads of one topic. */
export class SharedReads {
  readonly #options: SharedReadsOptions;
  readonly #underWay = new Set<Read>();
  #waiting: Waiting[] = [];

  /** @param options What to read with. */
  constructor(options: SharedReadsOptions) {
    this.#options = options;
  }

  /**
   * Reads what comes after a position.
   *
   * @param since The position.
   * @param limit At most so many; there may be fewer though there are more to come.
   */
  read(since: Position, limit: number): StoredPage | Promise<StoredPage> {
    const known = this.#options.known(since, limit);
    if (known) return known;
    if (!this.#isCovered(since) && this.#underWay.size < MAX_READS) return this.#start(since, limit);
    const answer = defer<StoredPage>();
    this.#waiting.push({ since, limit, answer });
    return answer.promise;
  }

  #start(since: Position, wanted: number): StoredPage | Promise<StoredPage> {
    const limit = this.#options.pageSize(wanted);
    const page = this.#options.read(since, limit);
    if (!isPromise(page)) return cut(page, wanted);
    const read = { since, limit };
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
        for (const { answer } of waiting) answer.reject(error); // a store that fails is not asked by each of them
        throw error;
      },
    );
  }

  /** A page has come: serves whom it can, and reads on for the others, from the oldest position on. */
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

/** Reads of the same page: one is under way, and all who ask meanwhile share the one after it. */
export class SameReads {
  /** By page: what those share who wait. */
  readonly #underWay = new Map<string, { next?: Deferred<StoredPage> }>();

  /**
   * Reads a page. What was kept before the call is in it: a read that had begun by then is not for the caller.
   *
   * @param page Names the page: its topic, and all that it is read with.
   * @param read Reads it.
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
      shared.next?.reject(error); // a store that fails is not asked by each of them
    };
    answer.then(goOn, fail);
    return answer;
  }
}

/** Whether a read will give what comes after a position. */
function covers({ since: [epoch, offset], limit }: Read, [wanted, from]: Position): boolean {
  return wanted === epoch && from >= offset && from < offset + limit;
}

/** What a page tells of another position than that which it was read for; `undefined` when it tells nothing. */
function partOf(page: StoredPage, read: Read, { since, limit }: Read): StoredPage | undefined {
  const { position, complete, records } = page;
  const [epoch, offset] = since;
  if (!complete) {
    // What it was read for may lie beyond the newest message, as clients make positions up: that tells of no other position.
    const isCut = epoch === read.since[0] && read.since[1] <= position[1];
    const isLost = epoch !== position[0] || isCut && offset <= read.since[1];
    return isLost ? cut(page, limit) : undefined;
  }
  if (epoch !== position[0] || epoch !== read.since[0] || offset < read.since[1]) return undefined;
  const after = records.filter((record) => record.offset > offset);
  return after.length > 0 || offset === position[1] ? cut({ ...page, records: after }, limit) : undefined;
}

function cut(page: StoredPage, limit: number): StoredPage {
  return page.records.length <= limit ? page : { ...page, records: page.records.slice(0, limit) };
}
