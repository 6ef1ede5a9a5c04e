/**
 * One connection to PostgreSQL, for any client library. A lost connection is not reopened: a new one replaces it.
 *
 * @module
 */

import type { Role } from "../kit/engine.ts";
import { ConnectError } from "./errors.ts";

/** Events of a connection. */
export interface ConnectionEvents {
  /** A notification on a channel that the connection listens to. */
  onNotification(channel: string, payload: string): void;
  /** The connection is lost. Called once, and only after `connect` has resolved. */
  onLost(cause: unknown): void;
}

/** A row of a result. */
export type Row = Readonly<Record<string, unknown>>;

/** A connection that runs statements one after the other. */
export interface Connection {
  /** Listens to notify channels. Resolves when the server has confirmed. Rejects when the connection is lost. */
  listen(channels: readonly string[]): Promise<void>;
  /** Stops listening to these channels. A channel that is listened to again later stays. */
  unlisten(channels: readonly string[]): Promise<void>;
  /**
   * Runs a statement with parameters. The library prepares it once. Rejects when the server refuses, or the connection
   * is lost.
   */
  ask(statement: string, parameters: readonly string[]): Promise<readonly Row[]>;
  /** Closes the connection at once. Resolves when its socket is closed. Never rejects. */
  destroy(): Promise<void>;
}

/** Creates connections to one database. */
export interface Dialer {
  /** The server's address, without credentials. It may change. */
  readonly address: string;
  /** Texts that no error may contain. */
  readonly secrets: readonly string[];
  /**
   * Creates a connection. When it rejects, it has closed everything that it opened.
   *
   * @param role The use of the connection.
   * @param events The callbacks.
   * @param signal Ends the attempt.
   */
  connect(role: Role, events: ConnectionEvents, signal: AbortSignal): Promise<Connection>;
}

/** The name of the connections in `pg_stat_activity`. */
export const APPLICATION_NAME = "trunkline";

/**
 * How long the server keeps a connection that does not read its data, in milliseconds. Unread notifications stay in the
 * notify queue of all sessions. PostgreSQL's own default is hours.
 */
const UNREAD_MS = 30_000;

/** Settings of a session. A setting that the server's version does not have is skipped. */
const SETTINGS: Readonly<Record<string, string>> = {
  // A crash loses notifications anyway, so a commit need not wait for the disk or for replicas.
  synchronous_commit: "off",
  // The timeouts of a role are made for the statements of an application. The adapter itself finds statements that are
  // stuck.
  statement_timeout: "0",
  lock_timeout: "0",
  transaction_timeout: "0", // since version 17
  // A session that only listens counts as idle.
  idle_session_timeout: "0", // since version 14
  tcp_user_timeout: String(UNREAD_MS),
};

const places = Object.keys(SETTINGS).map((_, i) => `($${2 * i + 1}, $${2 * i + 2})`).join();
const PREPARE =
  "SELECT current_setting('server_encoding') AS encoding, pg_is_in_recovery()::text AS standby, " +
  `count(CASE WHEN s.name IS NOT NULL THEN set_config(s.name, v.value, false) END) FROM (VALUES ${places}) AS v(name, value) ` +
  "LEFT JOIN pg_settings s ON s.name = v.name";

/**
 * Sets up a session, and checks that the server can be used.
 *
 * @param ask Runs a statement on the server.
 * @throws {ConnectError} If the server cannot be used.
 */
export async function prepareSession(ask: Connection["ask"]): Promise<void> {
  const [row] = await ask(PREPARE, Object.entries(SETTINGS).flat());
  if (row?.standby === "true") {
    throw new ConnectError("answered", "it is a standby, which cannot notify; use the primary");
  }
  const encoding = String(row?.encoding);
  if (encoding !== "UTF8" && encoding !== "SQL_ASCII") {
    throw new ConnectError(
      "refused",
      `the database is encoded in ${encoding}, which cannot hold all of Unicode; use a UTF8 database`,
    );
  }
}
