/**
 * Histories of topics, as whoever reads them sees them: on a hub, and on a client.
 *
 * @module
 */

/** Where a published message stands. */
export interface Published {
  /** The epoch of the topic's history. */
  readonly epoch: string;
  /** The message's offset in it; the first is 1. */
  readonly offset: number;
}

/** What to read of a history. */
export interface HistoryQuery {
  /** Messages after this position; absent: from the oldest that is kept. */
  readonly since?: Published;
  /**
   * At most so many, the oldest first.
   *
   * @default {Infinity}
   */
  readonly limit?: number;
  /**
   * The newest first. With `limit`: the newest of those after `since`.
   *
   * @default {false}
   */
  readonly reverse?: boolean;
}

/** A message that was kept. */
export interface HistoryRecord<T = unknown> {
  /** Its offset. */
  readonly offset: number;
  /** Its payload. */
  readonly payload: T;
}

/** What was read of a history. */
export interface HistoryPage<T = unknown> {
  /** The epoch of the history. */
  readonly epoch: string;
  /** The offset of the newest message; 0 before the first. */
  readonly last: number;
  /** Whether nothing after `since` is missing before the first record. `false` in another epoch. */
  readonly complete: boolean;
  /** The messages, the oldest first unless `reverse` was asked for. */
  readonly records: readonly HistoryRecord<T>[];
}

/** How far back a subscriber begins: one of both. */
export type Rewind =
  | {
    /** With so many of the newest messages, as far as they are kept. */
    readonly last: number;
    /** Not together with `last`. */
    readonly sinceMs?: undefined;
  }
  | {
    /** With what was published in so many milliseconds before, as far as it is kept. */
    readonly sinceMs: number;
    /** Not together with `sinceMs`. */
    readonly last?: undefined;
  };
