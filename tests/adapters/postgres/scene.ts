/**
 * What the tests of the adapter for PostgreSQL are played with: nodes that write down what they hear, and others' servers.
 *
 * @module
 */

import { once } from "node:events";
import { createServer } from "node:net";
import postgres from "postgres";
import type { Adapter, AdapterData, AdapterStage } from "../../../adapters/adapter.ts";
import { createPostgresAdapter, type PostgresAdapterOptions } from "../../../adapters/postgres/mod.ts";
import { waitFor } from "../../harness.ts";

/** Options whose prefix is `trunkline` unless they have one. */
export type NodeOptions = Partial<PostgresAdapterOptions>;

/** A node of a test. */
export interface TestNode extends AsyncDisposable {
  readonly nodeId: string;
  readonly adapter: Adapter;
  readonly received: { readonly channel: string; readonly data: AdapterData; readonly from: string }[];
  readonly errors: { readonly error: Error; readonly stage: AdapterStage; readonly channel?: string }[];
  readonly statuses: ("up" | "down")[];
  /** What came on a channel, in order. */
  on(channel: string): AdapterData[];
  /** Waits until this is its status. */
  is(status: "up" | "down"): Promise<void>;
}

/** Makes a node, and begins to open it. */
export function createNode(options: string | NodeOptions): TestNode & { opening: Promise<void> } {
  const nodeId = crypto.randomUUID();
  const adapter = createPostgresAdapter({
    prefix: "trunkline",
    ...typeof options === "string" ? { url: options } : options,
  });
  const received: TestNode["received"] = [];
  const errors: TestNode["errors"] = [];
  const statuses: TestNode["statuses"] = [];
  const opening = adapter.open({
    nodeId,
    deliver: (channel, data, from) => void received.push({ channel, data, from }),
    onError: (error, info) => void errors.push({ error, ...info }),
    onStatus: (status) => void statuses.push(status),
    onGap() {},
  });
  opening.catch(() => {});
  return {
    nodeId,
    adapter,
    received,
    errors,
    statuses,
    opening,
    on: (channel) => received.filter((message) => message.channel === channel).map(({ data }) => data),
    is: async (status) => {
      const what = `status ${status} after ${statuses.join()}`;
      await waitFor(() => statuses.at(-1) === status, { what, timeoutMs: 20_000 });
    },
    [Symbol.asyncDispose]: () => adapter.close(),
  };
}

/** Makes a node that is open and listens to these channels. */
export async function openNode(options: string | NodeOptions, ...channels: string[]): Promise<TestNode> {
  const node = createNode(options);
  try {
    await node.opening;
    await Promise.all(channels.map((channel) => node.adapter.subscribe(channel)));
  } catch (error) {
    await node.adapter.close();
    throw error;
  }
  return node;
}

/** A connection of the test itself, to look and to intervene. */
export interface Console extends AsyncDisposable {
  readonly sql: postgres.Sql;
}

export function openConsole(url: string): Console {
  const sql = postgres(url, { max: 1, fetch_types: false, onnotice() {} });
  return { sql, [Symbol.asyncDispose]: () => sql.end({ timeout: 1 }) };
}

/** What tests use of Bun's own client. */
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

/** A server of another kind. */
export interface OtherServer extends AsyncDisposable {
  readonly port: number;
}

/** Starts a server that says something else to whoever says something to it, and hangs up. */
export async function startOtherServer(words: string): Promise<OtherServer> {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.end(words));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as { port: number }).port,
    async [Symbol.asyncDispose]() {
      server.close();
      await once(server, "close");
    },
  };
}
