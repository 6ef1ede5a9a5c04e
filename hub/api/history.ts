/**
 * Histories of topics as users of a hub see them.
 *
 * @module
 */

export type { HistoryPage, HistoryQuery, HistoryRecord, Published } from "../../contract/mod.ts";

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
