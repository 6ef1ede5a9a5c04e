/**
 * Histories of topics, as hub and client show them to readers.
 *
 * @module
 */

/** The position of a published message in a history. */
export interface Published {
  /** The epoch of the topic's history. */
  readonly epoch: string;
  /** The message's offset in this epoch. The first message has 1. */
  readonly offset: number;
}

/** Which messages to read from a history. */
export interface HistoryQuery {
  /** Messages after this position. Without it: from the oldest message that is kept. */
  readonly since?: Published;
  /**
   * The largest number of messages, the oldest first.
   *
   * @default {Infinity}
   */
  readonly limit?: number;
  /**
   * The newest first. With `limit`: the newest messages after `since`.
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

/** The messages that were read from a history. */
export interface HistoryPage<T = unknown> {
  /** The epoch of the history. */
  readonly epoch: string;
  /** The offset of the newest message; 0 if there is none yet. */
  readonly last: number;
  /** Whether no message is missing between `since` and the first record. `false` if `since` is of another epoch. */
  readonly complete: boolean;
  /** The messages, the oldest first unless `reverse` was asked for. */
  readonly records: readonly HistoryRecord<T>[];
}

/** Where a new subscription begins: give one of the two. */
export type Rewind =
  | {
    /** With this many of the newest messages, as far as they are kept. */
    readonly last: number;
    /** Not together with `last`. */
    readonly sinceMs?: undefined;
  }
  | {
    /** With the messages of this many milliseconds before now, as far as they are kept. */
    readonly sinceMs: number;
    /** Not together with `sinceMs`. */
    readonly last?: undefined;
  };
