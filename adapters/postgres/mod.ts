/**
 * The PostgreSQL adapter: nodes exchange messages with LISTEN and NOTIFY, over two connections each. For applications
 * that have a PostgreSQL server and want no other server.
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
   * Publishes a message to the other nodes within a transaction of yours. The nodes receive it when the transaction
   * commits. After a rollback they never receive it. The commit decides its place among the messages of this node on
   * this channel.
   *
   * @param tx The transaction: of Postgres.js (`sql.begin((tx) => …)`), of a `Client` of node-postgres, or of Bun. It
   * must be in the database that the adapter uses.
   * @param channel Any text, as in `publish`.
   * @param data The message.
   * @returns Resolves when the database has taken the message into the transaction. Rejects when the database refuses;
   * the transaction then fails too. Rejects with `TOO_LARGE` if the message is larger than `maxMessageBytes`. Rejects
   * before the adapter is open. Rejects with a `TypeError` for a whole client or a pool instead of a transaction,
   * because those send at once.
   */
  publishIn(tx: PostgresTransaction, channel: string, data: AdapterData): Promise<void>;
}

/**
 * Creates the adapter for PostgreSQL 12 and later. When the hub opens it, it loads its client library and connects. It
 * reconnects by itself, and restores every subscription before it reports `"up"`. It does not repeat messages: while
 * PostgreSQL is away, it drops and reports publishes.
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
 * @param options The address of PostgreSQL, and the prefix.
 * @throws {TypeError} If the URL is not valid, the prefix is missing, an option is unknown, or options contradict each
 * other.
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
