/**
 * `createPostgresHistory`: histories in PostgreSQL for clusters that meet over another backplane.
 *
 * @module
 */

import { count } from "../../../contract/options/option_kinds.ts";
import { or, readOptions, type Rows } from "../../../contract/options/read_options.ts";
import type { HistoryStore } from "../../history_store.ts";
import { refuseAddress } from "../../kit/options.ts";
import { CONNECTION_ROWS, placeOf, type PostgresConnectionOptions } from "../options.ts";
import { HISTORY_ROWS, type PostgresHistorySettings } from "./options.ts";
import { PostgresStore } from "./store.ts";

/** Options of `createPostgresHistory`. */
export interface PostgresHistoryOptions extends PostgresConnectionOptions, PostgresHistorySettings {
  /**
   * How long a statement may take before its connection counts as dead and is replaced, in milliseconds.
   *
   * @default {5_000}
   */
  readonly answerTimeoutMs?: number;
  /**
   * The largest message, in bytes.
   *
   * @default {8_388_608}
   */
  readonly maxMessageBytes?: number;
}

const ROWS = {
  ...CONNECTION_ROWS,
  ...HISTORY_ROWS,
  answerTimeoutMs: CONNECTION_ROWS.connectTimeoutMs,
  maxMessageBytes: or(count(), 8 * 1024 * 1024),
} satisfies Rows<PostgresHistoryOptions>;

/**
 * Keeps the histories of topics in PostgreSQL, for hubs that meet over another adapter. With `createPostgresAdapter` it is not
 * needed: that has its own, which also takes publishes within your transactions.
 *
 * It connects when a history is first used, by one connection, and reconnects by itself. What is published while PostgreSQL is
 * away waits until the hub gives it up, and is refused with `UNAVAILABLE`.
 *
 * @example
 * ```ts ignore
 * // Needs servers.
 * const hub = createHub(chat, {
 *   authenticate,
 *   adapter: createNatsAdapter({ servers: "nats://localhost:4222", prefix: "chat" }),
 *   history: createPostgresHistory({ url: "postgres://chat:secret@localhost/chat", prefix: "chat" }),
 * });
 * ```
 *
 * @param options Where PostgreSQL is, the prefix, and how to keep.
 * @throws {TypeError} If the URL is none, the prefix is missing, an option is unknown, or options contradict each other.
 * @throws {RangeError} If a number is out of range.
 */
export function createPostgresHistory(options: PostgresHistoryOptions): HistoryStore {
  refuseAddress("createPostgresHistory", options, "url");
  const read = readOptions("createPostgresHistory", options, ROWS);
  return new PostgresStore({ ...read, ...placeOf(read) });
}
