/**
 * Uses the options of a client that the user has. The adapter opens its own connections with these options. It sends
 * nothing over the user's connections, and never closes them.
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
 * A client of Postgres.js (`postgres()`), of node-postgres (`new Client()`), or of Bun (`Bun.sql`, `new SQL()`) if this
 * version of Bun can listen. The client need not be connected.
 */
export type PostgresClientLike = object;

/** The part of a Postgres.js client that the adapter reads. */
interface PostgresJsOptions {
  readonly host: readonly string[];
  readonly port: readonly number[];
  /** The full path of a Unix socket. */
  readonly path?: string | false;
  readonly database: string;
  readonly user: string;
  readonly pass: PostgresPassword | null;
  readonly ssl: unknown;
  readonly socket?: unknown;
}

/** The part of a node-postgres client that the adapter reads. */
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
 * Creates a dialer with the options of a client.
 *
 * @param client The client.
 * @param connectTimeoutMs How long a connection attempt may take, in milliseconds.
 * @throws {TypeError} If the adapter cannot use this client.
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
      "Cannot use a Pool of pg for PostgreSQL: the adapter needs connections that stay open; give a Client " +
        "with the same options, or the URL",
    );
  }
  if (connectionParameters) {
    // The libpq client takes no sockets.
    const Client = "native" in client ? undefined : client.constructor as PgClientClass;
    return new SocketDialer(toTarget(fromPg(connectionParameters)), pg(Client));
  }
  if (typeof client === "function" && options && "adapter" in options && typeof flush === "function") {
    if (options.adapter !== "postgres") {
      throw new TypeError("Cannot use this client of Bun for PostgreSQL: it is for another kind of database");
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

/** Reads `ssl` of both libraries: TLS options, or a word. */
function tlsOf(ssl: unknown): boolean | PostgresTlsOptions {
  if (ssl === undefined || ssl === null || typeof ssl === "boolean") return ssl ?? false;
  // `key` is not enumerable, so the spread does not copy it.
  if (typeof ssl === "object") return { ...ssl, ...("key" in ssl ? { key: ssl.key as string } : {}) };
  if (ssl === "verify-full") return true;
  if (ssl === "require") return { rejectUnauthorized: false }; // as Postgres.js does
  throw new TypeError(
    'Cannot use a client for PostgreSQL that encrypts only if the server does: give it ssl: "require", or false',
  );
}
