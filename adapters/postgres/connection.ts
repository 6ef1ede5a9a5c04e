/**
 * One connection to PostgreSQL, whatever client library speaks over it. It lives once: lost is lost, and a new one takes its
 * place.
 *
 * @module
 */

import type { Role } from "../kit/engine.ts";
import { ConnectError } from "./errors.ts";

/** What a connection tells. */
export interface ConnectionEvents {
  /** A notification of a channel that it listens to. */
  onNotification(channel: string, payload: string): void;
  /** It is gone. Called once, and only after it was made. */
  onLost(cause: unknown): void;
}

/** A row of an answer. */
export type Row = Readonly<Record<string, unknown>>;

/** A connection that takes commands, one after the other. */
export interface Connection {
  /** Listens to notify channels; resolves when the server knows. Rejects when the connection is lost. */
  listen(channels: readonly string[]): Promise<void>;
  /** Listens to them no more. What is listened to again later stays. */
  unlisten(channels: readonly string[]): Promise<void>;
  /** Asks with parameters; the statement is prepared once. Rejects when the server refuses, or the connection is lost. */
  ask(statement: string, parameters: readonly string[]): Promise<readonly Row[]>;
  /** Ends it at once. Resolves when its socket is closed; never rejects. */
  destroy(): Promise<void>;
}

/** Makes connections to one database. */
export interface Dialer {
  /** Where they lead, without credentials; may change. */
  readonly address: string;
  /** What no error may tell. */
  readonly secrets: readonly string[];
  /**
   * Makes a connection. When it rejects nothing is left behind.
   *
   * @param role What it is for.
   * @param events Whom to tell.
   * @param signal Ends the attempt.
   */
  connect(role: Role, events: ConnectionEvents, signal: AbortSignal): Promise<Connection>;
}

/** The name that connections have in `pg_stat_activity`. */
export const APPLICATION_NAME = "trunkline";

/**
 * How long the server keeps a connection that takes nothing it is sent, in milliseconds. What a node does not read stays in
 * the notify queue of all, and PostgreSQL itself would wait for hours.
 */
const UNREAD_MS = 30_000;

/** What is asked of a session, where the server's version knows it. */
const SETTINGS: Readonly<Record<string, string>> = {
  // A notification is not kept over a crash: nobody has to wait for the disk, nor for replicas.
  synchronous_commit: "off",
  // What a role allows the statements of an application is no measure for these: the adapter finds out itself what is stuck.
  statement_timeout: "0",
  lock_timeout: "0",
  transaction_timeout: "0", // of 17
  // A session that only listens is idle.
  idle_session_timeout: "0", // of 14
  tcp_user_timeout: String(UNREAD_MS),
};

const places = Object.keys(SETTINGS).map((_, i) => `($${2 * i + 1}, $${2 * i + 2})`).join();
const PREPARE =
  "SELECT current_setting('server_encoding') AS encoding, pg_is_in_recovery()::text AS standby, " +
  `count(CASE WHEN s.name IS NOT NULL THEN set_config(s.name, v.value, false) END) FROM (VALUES ${places}) AS v(name, value) ` +
  "LEFT JOIN pg_settings s ON s.name = v.name";

/**
 * Prepares a session, and finds out whether it is of use.
 *
 * @param ask Asks the server.
 * @throws {ConnectError} If it is of none.
 */
export async function prepareSession(ask: Connection["ask"]): Promise<void> {
  const [row] = await ask(PREPARE, Object.entries(SETTINGS).flat());
  if (row?.standby === "true") {
    throw new ConnectError("answered", "it is a standby, which cannot notify; give the primary");
  }
  const encoding = String(row?.encoding);
  if (encoding !== "UTF8" && encoding !== "SQL_ASCII") {
    throw new ConnectError(
      "refused",
      `the database is encoded in ${encoding}, which has no place for all of Unicode; use one in UTF8`,
    );
  }
}
