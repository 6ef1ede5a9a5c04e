/**
 * What a node keeps of its topics with history, in memory. Every log has an epoch of its own: a client that comes
 * back to this node while the log lives gets what it missed; to any other node, or later, it is told that it does
 * not.
 *
 * @module
 */

import type { HistoryPage, HistoryQuery, HistoryRecord, Published } from "../api/history.ts";
import type { Clock, HistoryDefinition, Position } from "../../contract/mod.ts";

interface Kept<T> extends HistoryRecord<T> {
  readonly at: number;
}

/** The history of one topic: a ring of the latest messages. */
export class TopicLog<T = unknown> {
  readonly #size: number;
  readonly #ttlMs: number;
  readonly #clock: Clock;
  #records: Kept<T>[] = [];
  #start = 0;
  #epoch: string = crypto.randomUUID();
  /** The last offset before this epoch: what lies before it may have holes. */
  #base = 0;
  #last = 0;

  /**
   * @param definition How much is kept.
   * @param clock Where time comes from.
   */
  constructor({ size, ttlMs = Infinity }: HistoryDefinition, clock: Clock) {
    this.#size = size;
    this.#ttlMs = ttlMs;
    this.#clock = clock;
  }

  /** Where the log stands. */
  get position(): Position {
    return [this.#epoch, this.#last];
  }

  /** Keeps a message. */
  append(payload: T): Published {
    this.#records.push({ offset: ++this.#last, payload, at: this.#clock.now() });
    this.#expire();
    return { epoch: this.#epoch, offset: this.#last };
  }

  /** Reads what is kept. */
  read({ since, limit = Infinity }: HistoryQuery = {}): HistoryPage<T> {
    this.#expire();
    const kept = this.#records.length - this.#start;
    const first = this.#last - kept + 1;
    const from = since ? since.offset + 1 : first;
    const complete = since === undefined ||
      (since.epoch === this.#epoch && since.offset >= this.#base && from >= first &&
        since.offset <= this.#last);
    const begin = this.#start + (complete ? from - first : 0);
    const records = this.#records.slice(begin, begin + Math.max(0, Math.min(limit, kept)))
      .map(({ offset, payload }) => ({ offset, payload }));
    return { epoch: this.#epoch, last: this.#last, complete, records };
  }

  /** Begins a new epoch: messages may have been missed, so nothing from before can be called complete. */
  renew(): void {
    this.#epoch = crypto.randomUUID();
    this.#base = this.#last;
  }

  /** Whether nothing is kept any more. */
  get empty(): boolean {
    this.#expire();
    return this.#start === this.#records.length;
  }

  /** Forgets what is too old or too much. Moving a start and cutting now and then keeps it cheap. */
  #expire(): void {
    const oldest = this.#clock.now() - this.#ttlMs;
    while (
      this.#start < this.#records.length &&
      (this.#records.length - this.#start > this.#size || this.#records[this.#start]!.at < oldest)
    ) this.#start++;
    if (this.#start > this.#size) {
      this.#records = this.#records.slice(this.#start);
      this.#start = 0;
    }
  }
}
