/**
 * A store of one channel whose server is started again now and then, as Redis is: each time it begins a new epoch, with all
 * that it had, without the newest of it, without anything, or with what another server had.
 *
 * @module
 */

import type { ReadOptions, StoredPage } from "@trunkline/hub/adapters/history-store";
import type { Position } from "../../contract/mod.ts";
import type { FakeClock } from "../fake_clock.ts";

/** A message, and which one of all it is. */
export interface Numbered {
  readonly n: number;
  readonly data: string;
  readonly at: number;
}

/** The data of one server: the messages from its first offset on. */
interface Log {
  first: number;
  records: Numbered[];
}

/** The servers, one of which is the store at a time. */
export class RestartingStore {
  readonly #clock: FakeClock;
  readonly #size: number;
  #log: Log = { first: 1, records: [] };
  #other: Log = { first: 1, records: [] };
  #epoch = 1;
  #appended = 0;
  /** How far its clock is behind that of the test. */
  #behindMs = 0;

  /**
   * @param clock Where time comes from.
   * @param size How many messages are kept.
   */
  constructor(clock: FakeClock, size: number) {
    this.#clock = clock;
    this.#size = size;
  }

  /** How many messages it was given. */
  get appended(): number {
    return this.#appended;
  }

  /** Where it stands. */
  get position(): Position {
    return [`epoch ${this.#epoch}`, this.#log.first + this.#log.records.length - 1];
  }

  /** The stored messages, by offset. */
  get kept(): ReadonlyMap<number, Numbered> {
    return new Map(this.#log.records.map((record, i) => [this.#log.first + i, record]));
  }

  /** Keeps the next message. */
  append(data: (n: number) => string): Position {
    const n = ++this.#appended;
    this.#log.records.push({ n, data: data(n), at: this.#clock.now() - this.#behindMs });
    while (this.#log.records.length > this.#size) {
      this.#log.records.shift();
      this.#log.first++;
    }
    return this.position;
  }

  /** See `HistoryStore.read`. */
  read({ since, limit = Infinity }: ReadOptions = {}): StoredPage {
    const { first, records } = this.#log;
    const position = this.position;
    const complete = !since || since[0] === position[0] && since[1] <= position[1] && since[1] + 1 >= first;
    const from = complete && since ? since[1] + 1 : first;
    const now = this.#clock.now() - this.#behindMs;
    return {
      position,
      complete,
      records: records.slice(from - first).slice(0, limit).map(({ data, at }, i) => ({
        offset: from + i,
        data,
        ageMs: Math.max(0, now - at),
      })),
    };
  }

  /**
   * Starts again, in a new epoch.
   *
   * @param lost How many of the newest messages are gone.
   * @param behindMs How far its clock is behind by now.
   */
  restart(lost: number, behindMs: number): void {
    this.#epoch++;
    this.#behindMs = behindMs;
    const { first, records } = this.#log;
    this.#log = lost >= records.length
      ? { first: 1, records: [] }
      : { first, records: records.slice(0, records.length - lost) };
  }

  /** Another server takes over, with what it had when it was the store. */
  changePlaces(): void {
    this.#epoch++;
    [this.#log, this.#other] = [this.#other, this.#log];
  }
}
