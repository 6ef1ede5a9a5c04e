/**
 * What the tests of the adapter for PostgreSQL are played with: nodes that write down what they hear, and others' servers.
 *
 * @module
 */

import pg from "pg";
import postgres from "postgres";
import { createPostgresAdapter, type PostgresAdapterOptions } from "../../../adapters/postgres/mod.ts";
import { runtime } from "../../harness.ts";
import { opened, type OtherServer, startOtherServer, type TestNode, testNode } from "../test_node.ts";

/** Options whose prefix is `trunkline` unless they have one. */
export type NodeOptions = Partial<PostgresAdapterOptions>;

/** Makes a node, and begins to open it. */
export function createNode(options: string | NodeOptions): TestNode {
  return testNode(createPostgresAdapter({
    prefix: "trunkline",
    ...typeof options === "string" ? { url: options } : options,
  }));
}

/** Makes a node that is open and listens to these channels. */
export function openNode(options: string | NodeOptions, ...channels: string[]): Promise<TestNode> {
  return opened(createNode(options), channels);
}

/** A connection of the test itself, to look and to intervene. */
export interface Console extends AsyncDisposable {
  readonly sql: postgres.Sql;
}

export function openConsole(url: string): Console {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice() {} });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}

/** The part of Bun's own client that tests use. */
export interface BunSql {
  unsafe(statement: string, parameters: readonly unknown[]): Promise<unknown>;
  close(options: { timeout: number }): Promise<void>;
}

/** Makes a client of Bun. */
export async function bunSql(url: string): Promise<BunSql> {
  // Not a literal, so that Deno does not look for a module that only Bun has.
  const name = "bun";
  const { SQL } = await import(name) as { SQL: new (url: string, options: object) => BunSql };
  return new SQL(url, { max: 1 });
}

/** Runs a function in a transaction, which is committed unless the function throws. */
export type Transact = (run: (tx: never) => Promise<void>) => Promise<unknown>;

/** The transaction of each kind of client. */
export const transactions = (url: string): Readonly<Record<string, Transact>> => ({
  "postgres": async (run) => {
    await using console = openConsole(url);
    return await console.sql.begin((tx) => run(tx as never));
  },
  "pg": async (run) => {
    const client = new pg.Client(url);
    await client.connect();
    try {
      await client.query("BEGIN");
      await run(client as never);
      await client.query("COMMIT");
    } finally {
      await client.end();
    }
  },
  ...(runtime === "bun"
    ? {
      "Bun": async (run) => {
        const sql = await bunSql(url) as Awaited<ReturnType<typeof bunSql>> & {
          begin(run: (tx: never) => Promise<void>): Promise<unknown>;
        };
        try {
          return await sql.begin(run);
        } finally {
          await sql.close({ timeout: 0 });
        }
      },
    }
    : {}),
});

/** Starts a server that answers every client with a foreign protocol, and hangs up. */
export const startOther = (words: string): Promise<OtherServer> =>
  startOtherServer((socket) => void socket.once("data", () => socket.end(words)));
