/**
 * The types of topic histories for users of a hub.
 *
 * @module
 */

export type { HistoryPage, HistoryQuery, HistoryRecord, Published } from "../../contract/mod.ts";

/** Options of `Hub.publish` on a topic with history. */
export interface PublishOptions {
  /**
   * An id of your own for the message, of at most 256 UTF-16 units. If you publish again with the same id on the same
   * topic, on any node, the message is not delivered again. You get the position of the first message. The hub does not
   * compare the payloads. This holds while the first message is kept. Use it to publish again after `UNCERTAIN`, when
   * you do not know whether the message was kept.
   */
  readonly id?: string;
  /**
   * A transaction of your own in the database that keeps the history. The commit keeps the message, and then the
   * nodes deliver it, this node too. After a rollback nothing of it is left. The promise resolves before the commit,
   * with the future position: it is final at the commit.
   *
   * With `createPostgresAdapter`, give the transaction that `begin` of Postgres.js or of Bun passes to you, or a
   * `Client` of `pg` after its `BEGIN`. When the database refuses, the promise rejects with the error of its client,
   * and the transaction has failed.
   *
   * Until the transaction ends, other publishers on the topic wait for a limited time. Publish late in the
   * transaction, and end it soon.
   */
  readonly tx?: object;
}
