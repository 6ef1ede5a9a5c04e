/**
 * The history tables in the database, and the one statement that creates them.
 *
 * | table | has a row for |
 * |---|---|
 * | `history_stores` | each prefix: the start of its epochs |
 * | `history_heads` | each topic that has had a publish: its epoch, and the range of stored offsets |
 * | `history_records` | each stored message |
 *
 * The names of functions end in a version, so that nodes of two versions can use one database.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { appendFunction } from "./append_function.ts";
import { HASH, PLACE, readFunction, sweepFunction } from "./functions.ts";

/** Finds the tables, and the fingerprint of the functions. `$1` is the schema. */
export const LOOK = "SELECT (to_regclass($1 || '.history_records') IS NOT NULL)::text AS tables, " +
  "(SELECT coalesce(obj_description(oid, 'pg_proc'), '') FROM pg_proc " +
  "WHERE pronamespace = to_regnamespace($1) AND proname = 'history_append_v4') AS functions";

/** Inserts the row of a prefix: `$1`, and two random texts. */
export const beginStore = (schema: string): string =>
  `INSERT INTO ${schema}.history_stores (root, id, seed) VALUES ($1, $2, $3) ON CONFLICT (root) DO NOTHING`;

/** Reads the id of the store. `$1` is the root. Each database has a different id. */
export const storeId = (schema: string): string => `SELECT id FROM ${schema}.history_stores WHERE root = $1`;

function tables(schema: string): string[] {
  return [
    `CREATE SCHEMA IF NOT EXISTS ${schema}`,
    `CREATE TABLE ${schema}.history_stores (
  root text PRIMARY KEY,
  id text NOT NULL,
  seed text NOT NULL
)`,
    `CREATE TABLE ${schema}.history_heads (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  root text NOT NULL,
  name text NOT NULL,
  place text NOT NULL,
  epoch text NOT NULL,
  first bigint NOT NULL DEFAULT 1,
  last bigint NOT NULL DEFAULT 0,
  ttl text NOT NULL DEFAULT '',
  ends timestamptz NOT NULL DEFAULT '-infinity',
  due timestamptz NOT NULL DEFAULT 'infinity',
  forget timestamptz NOT NULL DEFAULT 'infinity',
  UNIQUE (root, name)
) WITH (fillfactor = 50)`,
    `CREATE INDEX history_heads_due ON ${schema}.history_heads (root, due)`,
    `CREATE INDEX history_heads_forget ON ${schema}.history_heads (root, forget)`,
    `CREATE TABLE ${schema}.history_records (
  head bigint NOT NULL,
  "offset" bigint NOT NULL,
  until timestamptz NOT NULL,
  key text,
  data text NOT NULL,
  PRIMARY KEY (head, "offset")
)`,
    `CREATE UNIQUE INDEX history_records_key ON ${schema}.history_records (head, key) WHERE key IS NOT NULL`,
  ];
}

/**
 * The columns that later versions have added, in the order of the versions. They hold the time of each message and of
 * the newest one (existing messages count as new), and whether the topic is brief.
 */
function columns(schema: string): (readonly [table: string, column: string, type: string])[] {
  return [
    [`${schema}.history_heads`, "at", "timestamptz NOT NULL DEFAULT '-infinity'"],
    [`${schema}.history_records`, "at", "timestamptz NOT NULL DEFAULT now()"],
    [`${schema}.history_heads`, "brief", "boolean NOT NULL DEFAULT false"],
  ];
}

function addColumn([table, column, type]: readonly [table: string, column: string, type: string]): string {
  return `IF NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = '${table}'::regclass AND attname = '${column}') THEN
ALTER TABLE ${table} ADD COLUMN ${column} ${type};
END IF;
`;
}

/** The functions. The comment on the last one shows that all exist. */
function functions(schema: string): string[] {
  const made = [HASH, PLACE, readFunction, sweepFunction, appendFunction].map((make) => make(schema));
  const of = `${schema}.history_append_v4(text, boolean, text, double precision, text, text, ${
    Array(10).fill("text[]").join(", ")
  })`;
  return [...made, `COMMENT ON FUNCTION ${of} IS '${fingerprint(schema)}'`];
}

/**
 * A hash of the functions of this version. Functions of older and newer versions have other hashes, and work too.
 *
 * @param schema The schema.
 */
export function fingerprint(schema: string): string {
  const made = [HASH, PLACE, readFunction, sweepFunction, appendFunction].map((make) => make(schema));
  return createHash("sha256").update(made.join()).digest("hex");
}

/** The default schema. */
export const SCHEMA = "trunkline";

const PLAIN = /^[a-z_][a-z0-9_]{0,62}$/;

/**
 * Checks the name of a schema, which becomes part of statements.
 *
 * @throws {TypeError} If the name would need quotes.
 */
export function readSchema(schema: unknown): string {
  if (typeof schema === "string" && PLAIN.test(schema)) return schema;
  throw new TypeError(
    'Cannot use this schema for histories in PostgreSQL: give a name of a-z, 0-9 and _, as schema: "trunkline"',
  );
}

/**
 * The SQL statement that creates the missing schema, tables and functions, for a migration of yours. You may run it
 * again, also while nodes work. It changes existing tables only to add missing columns.
 *
 * A user that publishes and reads needs `USAGE` on the schema, and `SELECT, INSERT, UPDATE, DELETE` on its tables. The
 * same holds for the role of a transaction that you publish within.
 *
 * @example
 * ```ts
 * import { postgresHistorySql } from "@trunkline/hub/adapters/postgres";
 * import { assert } from "@std/assert";
 *
 * const sql = postgresHistorySql({ schema: "chat" });
 * assert(sql.includes("CREATE TABLE chat.history_records"));
 * ```
 *
 * @param options The schema. Defaults to `"trunkline"`.
 * @returns SQL, for `psql` or a migration tool.
 * @throws {TypeError} If the schema is not a plain name.
 */
export function postgresHistorySql(options: { readonly schema?: string } = {}): string {
  const schema = readSchema(options.schema ?? SCHEMA);
  const block = (statements: readonly string[]) => statements.map((statement) => `${statement};\n`).join("");
  // Nodes that start together run it one after the other, and each checks again at its turn. Existing objects are not
  // created again, because `CREATE INDEX IF NOT EXISTS` locks an existing index too.
  return `DO $trunkline$ BEGIN
PERFORM pg_advisory_xact_lock(hashtextextended('trunkline history tables', 0));
IF to_regclass('${schema}.history_records') IS NULL THEN
${block(tables(schema))}END IF;
${columns(schema).map(addColumn).join("")}IF NOT EXISTS (
  SELECT FROM pg_proc WHERE pronamespace = to_regnamespace('${schema}') AND proname = 'history_append_v4'
    AND obj_description(oid, 'pg_proc') = '${fingerprint(schema)}'
) THEN
${block(functions(schema))}END IF;
END $trunkline$;
`;
}
