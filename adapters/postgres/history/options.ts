/**
 * Options of histories in PostgreSQL.
 *
 * @module
 */

import { flag, ms } from "../../../contract/options/option_kinds.ts";
import { or, type Rows } from "../../../contract/options/read_options.ts";
import { readSchema, SCHEMA } from "./tables.ts";

/** Where histories are kept in PostgreSQL, and for how long. */
export interface PostgresHistorySettings {
  /**
   * The schema of the tables, a plain name. All histories of a database may share it, because the prefix separates
   * them.
   *
   * @default {"trunkline"}
   */
  readonly schema?: string;
  /**
   * Whether the store creates missing tables and functions when it first needs them. This takes the right to create.
   * Without that right, run the SQL of `postgresHistorySql`, and set this to `false`.
   *
   * @default {true}
   */
  readonly createTables?: boolean;
  /**
   * How long a publish may wait for a topic that a transaction of yours holds, in milliseconds. A transaction holds a
   * topic from its first publish on it to its end. After this time the publish rejects with `UNAVAILABLE`.
   *
   * @default {3_000}
   */
  readonly lockTimeoutMs?: number;
  /**
   * After how long without a publish a topic and its epoch are forgotten, in milliseconds. A topic with messages that
   * expire is never forgotten before they have expired. A sweep of any hub that uses the store does it.
   *
   * @default {2_592_000_000, which is 30 days}
   */
  readonly forgetAfterMs?: number;
}

/** The options with defaults. */
export type HistorySettings = Required<PostgresHistorySettings>;

/** A thousand years: the database can hold times up to some hundred thousand years. */
const LONGEST_MS = 1e14 / 4;

/** The rules for these options. */
export const HISTORY_ROWS = {
  schema: or(readSchema, SCHEMA),
  createTables: or(flag, true),
  lockTimeoutMs: or(ms(), 3_000),
  forgetAfterMs: or(ms({ max: LONGEST_MS }), 30 * 24 * 60 * 60 * 1_000),
} satisfies Rows<PostgresHistorySettings>;
