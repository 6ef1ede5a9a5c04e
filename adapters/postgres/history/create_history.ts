/**
 * `createPostgresHistory`: histories in PostgreSQL for clusters that use another adapter.
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
 * Keeps the histories of topics in PostgreSQL, for hubs that use another adapter. You do not need it with
 * `createPostgresAdapter`: that adapter has its own store, which can also publish within your transactions.
 *
 * It opens one connection when a history is first used, and reconnects by itself. While PostgreSQL is away, a publish
 * waits until the hub gives it up, and then rejects with `UNAVAILABLE`.
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
 * @param options The address of PostgreSQL, the prefix, and how to keep messages.
 * @throws {TypeError} If the URL is not valid, the prefix is missing, an option is unknown, or options contradict each
 * other.
 * @throws {RangeError} If a number is out of range.
 */
export function createPostgresHistory(options: PostgresHistoryOptions): HistoryStore {
  refuseAddress("createPostgresHistory", options, "url");
  const read = readOptions("createPostgresHistory", options, ROWS);
  return new PostgresStore({ ...read, ...placeOf(read) });
}
