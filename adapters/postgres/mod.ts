/**
 * The adapter for PostgreSQL: nodes reach each other by LISTEN and NOTIFY, over two connections each. For applications that have
 * a PostgreSQL and want no other server.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import { createEngineAdapter } from "../kit/engine_adapter.ts";
import { PostgresEngine } from "./engine.ts";
import { type PostgresAdapterOptions, readPostgresOptions } from "./options.ts";

export type { PostgresAdapterOptions } from "./options.ts";
export type { PostgresClientLike } from "./given.ts";
export type { PostgresPassword, PostgresTlsOptions } from "./target.ts";

/**
 * Creates the adapter for PostgreSQL 12 and later. It loads its client library and connects when it is opened, reconnects by
 * itself, restores every subscription before it says `"up"`, and repeats nothing: what is published while PostgreSQL is away is
 * dropped and reported.
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
 * @param options Where PostgreSQL is, and the prefix.
 * @throws {TypeError} If the URL is none, the prefix is missing, an option is unknown, or options contradict each other.
 * @throws {RangeError} If a number is out of range.
 */
export function createPostgresAdapter(options: PostgresAdapterOptions): Adapter {
  const { dialer, channels, clock, probeTimeoutMs, maxMessageBytes, ...times } = readPostgresOptions(options);
  const engine = new PostgresEngine({ dialer, channels, clock, probeTimeoutMs, maxMessageBytes });
  return createEngineAdapter(engine, { clock, answerTimeoutMs: times.connectTimeoutMs, ...times });
}
