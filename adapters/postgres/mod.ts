/**
 * The adapter for PostgreSQL: nodes reach each other by LISTEN and NOTIFY, over two connections each. For applications that have
 * a PostgreSQL and want no other server.
 *
 * @module
 */

import type { Adapter, AdapterData } from "../adapter.ts";
import { createEngineAdapter } from "../kit/engine_adapter.ts";
import { PostgresEngine } from "./engine.ts";
import { type PostgresAdapterOptions, readPostgresOptions } from "./options.ts";
import type { PostgresTransaction } from "./transaction.ts";

export { createPostgresHistory } from "./history/create_history.ts";
export { postgresHistorySql } from "./history/tables.ts";
export type { PostgresHistoryOptions } from "./history/create_history.ts";
export type { PostgresHistorySettings } from "./history/options.ts";
export type { PostgresAdapterOptions, PostgresConnectionOptions } from "./options.ts";
export type { PostgresClientLike } from "./given.ts";
export type { PostgresPassword, PostgresTlsOptions } from "./target.ts";
export type { PostgresTransaction } from "./transaction.ts";

/** The adapter for PostgreSQL. */
export interface PostgresAdapter extends Adapter {
  /**
   * Sends a message to the other nodes within a transaction of yours: they get it when the transaction is committed, and never
   * if it is not. Among the messages of this node on this channel it has the place of the commit.
   *
   * @param tx The transaction, of Postgres.js (`sql.begin((tx) => …)`), of a `Client` of node-postgres, or of Bun. It has to be one of
   * the database that the adapter uses.
   * @param channel Any text, as in `publish`.
   * @param data The message.
   * @returns Resolves when the database has taken it into the transaction; rejects when it refuses, which fails the transaction. Rejects
   * with `TOO_LARGE` when it is larger than `maxMessageBytes`, before the adapter was open, and with a `TypeError` for a whole client or a
   * pool in place of a transaction: what goes over those is sent at once.
   */
  publishIn(tx: PostgresTransaction, channel: string, data: AdapterData): Promise<void>;
}

/**
 * Creates the adapter for PostgreSQL 12 and later. It loads its client library and connects when it is opened, reconnects by
 * itself, restores every subscription before it says `"up"`, and repeats nothing: what is published while PostgreSQL is away is
 * dropped and reported.
 *
 * @example The one line that changes
 * ```ts ignore
 * // Needs a server.
 * const adapter = createPostgresAdapter({ url: "postgres://chat:secret@localhost/chat", prefix: "chat" });
 * const hub = createHub(chat, { authenticate, adapter });
 * ```
 *
 * @example Options, and an adapter that was never opened
 * ```ts
 * import { createPostgresAdapter } from "@trunkline/hub/adapters/postgres";
 * import { assertEquals } from "@std/assert";
 *
 * await using adapter = createPostgresAdapter({
 *   host: "postgres.example.com",
 *   database: "chat",
 *   user: "chat",
 *   password: "correct horse",
 *   tls: true,
 *   prefix: "chat",
 * });
 * assertEquals(adapter.name, "postgres");
 * ```
 *
 * @param options Where PostgreSQL is, and the prefix.
 * @throws {TypeError} If the URL is none, the prefix is missing, an option is unknown, or options contradict each other.
 * @throws {RangeError} If a number is out of range.
 */
export function createPostgresAdapter(options: PostgresAdapterOptions): PostgresAdapter {
  const settings = readPostgresOptions(options);
  const engine = new PostgresEngine(settings);
  const adapter = createEngineAdapter(engine, { ...settings, answerTimeoutMs: settings.connectTimeoutMs });
  return Object.assign(adapter, {
    publishIn: (tx: PostgresTransaction, channel: string, data: AdapterData) =>
      engine.publishIn(tx, channel, data),
  });
}
