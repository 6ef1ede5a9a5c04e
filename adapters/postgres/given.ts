/**
 * Clients that users have, as ways to connect. Only their options are used: the adapter makes connections of its own like
 * theirs, sends nothing over them and never closes them.
 *
 * @module
 */

import { BunDialer, type BunSql } from "./bun_sql.ts";
import type { Dialer } from "./connection.ts";
import { SocketDialer } from "./dial.ts";
import { pg, type PgClientClass } from "./pg.ts";
import { postgresJs } from "./postgres_js.ts";
import { type PartialTarget, type PostgresPassword, type PostgresTlsOptions, toTarget } from "./target.ts";

/**
 * A client of Postgres.js (`postgres()`), of node-postgres (`new Client()`), or of Bun (`Bun.sql`, `new SQL()`) where that listens. It
 * need not be connected.
 */
export type PostgresClientLike = object;

/** What is read of a client of Postgres.js. */
interface PostgresJsOptions {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** The whole path of a Unix socket. */
  readonly path?: string | false;
  readonly database: string;
  readonly user: string;
  readonly pass: PostgresPassword | null;
  readonly ssl: unknown;
  readonly socket?: unknown;
}

/** What is read of a client of node-postgres. */
interface PgParameters {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: PostgresPassword | null;
  readonly ssl: unknown;
  readonly options?: string;
}

const HOW = "give a client of postgres, a Client of pg, or the URL";

/**
 * Makes what connects as a client does.
 *
 * @param client The client.
 * @param connectTimeoutMs How long a connection may take to be made.
 * @throws {TypeError} If it is none that will do.
 */
export function dialerLike(client: PostgresClientLike, connectTimeoutMs: number): Dialer {
  const { options, connectionParameters, listen, flush, totalCount } = client as {
    options?: { shared?: unknown; adapter?: unknown };
    connectionParameters?: PgParameters;
    listen?: unknown;
    flush?: unknown;
    totalCount?: unknown;
  };
  if (typeof totalCount === "number") {
    throw new TypeError(
      "Cannot use a Pool of pg for PostgreSQL: its connections come and go, and one that listens has to stay; give a Client " +
        "with the same options, or the URL",
    );
  }
  if (connectionParameters) {
    // One on libpq takes no sockets.
    const Client = "native" in client ? undefined : client.constructor as PgClientClass;
    return new SocketDialer(toTarget(fromPg(connectionParameters)), pg(Client));
  }
  if (typeof client === "function" && options && "adapter" in options && typeof flush === "function") {
    if (options.adapter !== "postgres") {
      throw new TypeError("Cannot use this client of Bun for PostgreSQL: it is one of another database");
    }
    if (typeof listen !== "function") {
      throw new TypeError(
        `Cannot use this client of Bun for PostgreSQL: this version of Bun cannot listen; ${HOW}`,
      );
    }
    return new BunDialer(client as unknown as BunSql, connectTimeoutMs);
  }
  if (typeof client === "function" && options?.shared && typeof listen === "function") {
    return new SocketDialer(toTarget(fromPostgresJs(options as unknown as PostgresJsOptions)), postgresJs);
  }
  throw new TypeError(`Cannot use this client for PostgreSQL: ${HOW}`);
}

function fromPostgresJs(
  { host, port, path, database, user, pass, ssl, socket }: PostgresJsOptions,
): PartialTarget {
  if (socket) throw new TypeError("Cannot use a client of postgres with a socket of its own: give the URL");
  const addresses = path
    ? [{ host: path.replace(/\/\.s\.PGSQL\.\d+$/, ""), port: port[0]! }]
    : host.map((name, i) => ({ host: name, port: port[i] ?? port[0]! }));
  return { addresses, database, user, password: pass ?? undefined, tls: tlsOf(ssl) };
}

function fromPg({ host, port, database, user, password, ssl, options }: PgParameters): PartialTarget {
  return {
    host,
    port,
    database,
    user,
    password: password ?? undefined,
    tls: tlsOf(ssl),
    ...(options ? { startup: { options } } : {}),
  };
}

/** What both libraries call `ssl`: an object for TLS, or a word. */
function tlsOf(ssl: unknown): boolean | PostgresTlsOptions {
  if (ssl === undefined || ssl === null || typeof ssl === "boolean") return ssl ?? false;
  // The key is hidden from those who copy it.
  if (typeof ssl === "object") return { ...ssl, ...("key" in ssl ? { key: ssl.key as string } : {}) };
  if (ssl === "verify-full") return true;
  if (ssl === "require") return { rejectUnauthorized: false }; // so it means to Postgres.js
  throw new TypeError(
    'Cannot use a client for PostgreSQL that encrypts only where the server does: give it ssl: "require", or false',
  );
}
