/**
 * Histories of topics as users of a hub see them.
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

/** Options of `Hub.publish` on a topic with history. */
export interface PublishOptions {
  /**
   * An id of your own for the message, of 256 UTF-16 units at the most. A second publish with the same id on the same
   * topic, on whichever node, is not delivered again and answers with the position of the first, for as long as that
   * message is kept; what it says itself is not looked at. Use it to publish again after `UNCERTAIN`, which leaves open
   * whether the message was kept.
   */
  readonly id?: string;
  /**
   * A transaction of your own in the database that keeps the history: the message is kept with its commit, and delivered then, on this
   * node too; a rollback leaves nothing of it. The promise resolves before that, with what the position will be: it is final at the commit.
   * With `createPostgresAdapter`: what `begin` of Postgres.js or of Bun hands over, or a `Client` of `pg` that has said `BEGIN`. What the
   * database refuses rejects with the error of its client, and has failed the transaction.
   *
   * Until the transaction ends others who publish on the topic wait, for a limited time. Publish late in it, and end it soon.
   */
  readonly tx?: object;
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
