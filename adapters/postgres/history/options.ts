/**
 * Options of histories in PostgreSQL.
 *
 * @module
 */

import { flag, ms } from "../../../contract/options/option_kinds.ts";
import { or, type Rows } from "../../../contract/options/read_options.ts";
import { readSchema, SCHEMA } from "./tables.ts";

/** Where and for how long histories are kept in PostgreSQL. */
export interface PostgresHistorySettings {
  /**
   * The schema of the tables, a plain name. All histories of a database may share it: the prefix keeps them apart.
   *
   * @default {"trunkline"}
   */
  readonly schema?: string;
  /**
   * Whether tables and functions that are missing are made when they are first needed. That takes the right to create; without
   * it run what `postgresHistorySql` gives, and set this to `false`.
   *
   * @default {true}
   */
  readonly createTables?: boolean;
  /**
   * How long a publish may wait for a topic that a transaction of yours holds, in milliseconds: from its first publish on the topic to
   * its end. Then it rejects with `UNAVAILABLE`.
   *
   * @default {3_000}
   */
  readonly lockTimeoutMs?: number;
  /**
   * After how long without a publish a topic is forgotten, with its epoch, in milliseconds; never before its messages have expired,
   * where they do. It is noticed at a sweep of any hub that uses the store.
   *
   * @default {2_592_000_000, which is 30 days}
   */
  readonly forgetAfterMs?: number;
}

/** Such options, complete. */
export type HistorySettings = Required<PostgresHistorySettings>;

/** A thousand years: times of the database go no further than some hundred thousand. */
const LONGEST_MS = 1e14 / 4;

/** Their rows. */
export const HISTORY_ROWS = {
  schema: or(readSchema, SCHEMA),
  createTables: or(flag, true),
  lockTimeoutMs: or(ms(), 3_000),
  forgetAfterMs: or(ms({ max: LONGEST_MS }), 30 * 24 * 60 * 60 * 1_000),
} satisfies Rows<PostgresHistorySettings>;
