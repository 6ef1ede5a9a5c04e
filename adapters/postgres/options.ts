/**
 * Reads and checks the options of the PostgreSQL adapter.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { count, flag, list, oneOf, secret, text } from "../../contract/options/option_kinds.ts";
import {
  bag,
  type Kind,
  optional,
  type Read,
  readOptions,
  type Rows,
  wrong,
} from "../../contract/options/read_options.ts";
import { engineRows, prefixFor, refuseAddress } from "../kit/options.ts";
import { NotifyChannels } from "./channels.ts";
import type { Dialer } from "./connection.ts";
import { SocketDialer } from "./dial.ts";
import { dialerLike, type PostgresClientLike } from "./given.ts";
import { HISTORY_ROWS, type HistorySettings, type PostgresHistorySettings } from "./history/options.ts";
import { pg } from "./pg.ts";
import { postgresJs } from "./postgres_js.ts";
import { parseUrl, type PostgresPassword, type PostgresTlsOptions, toTarget } from "./target.ts";

/** The database, and the login. */
export interface PostgresConnectionOptions {
  /**
   * `postgres://[USER[:PASSWORD]@]HOST[:PORT][/DATABASE][?sslmode=require]`. Other options take precedence. Every
   * `sslmode` except `disable` and `no-verify` verifies certificates. Of the other parameters only `options` is used.
   */
  readonly url?: string;
  /**
   * The server's name or address, or the directory of its Unix socket.
   *
   * @default {"localhost"}
   */
  readonly host?: string;
  /**
   * The server's port.
   *
   * @default {5432}
   */
  readonly port?: number;
  /**
   * The database. Nodes form a cluster only in the same database.
   *
   * @default {the user's name}
   */
  readonly database?: string;
  /**
   * The user to log in as.
   *
   * @default {"postgres"}
   */
  readonly user?: string;
  /** The password, or a function that returns one for each new connection, for passwords that expire. */
  readonly password?: PostgresPassword;
  /**
   * TLS. `true` uses the defaults.
   *
   * @default {false, unless sslmode is set}
   */
  readonly tls?: boolean | PostgresTlsOptions;
  /**
   * A client that you have, instead of all other connection options. The adapter connects with the client's options. It
   * may be a client of Postgres.js, a `Client` of node-postgres, or Bun's own. A `Pool` is refused.
   */
  readonly client?: PostgresClientLike;
  /**
   * The client library: `"postgres"`, which is Postgres.js, or `"pg"`, which is node-postgres. Only this one must be
   * installed.
   *
   * @default {"postgres"}
   */
  readonly connector?: "postgres" | "pg";
  /**
   * Keeps applications on one database apart: nodes with the same prefix form a cluster. Any text that is not empty;
   * the name of your application will do.
   */
  readonly prefix: string;
  /**
   * How long a connection attempt may take before the next attempt, in milliseconds.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * The source of time, for tests.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** Options of `createPostgresAdapter`. */
export interface PostgresAdapterOptions extends PostgresConnectionOptions {
  /**
   * How often to check that messages still come through, in milliseconds.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long a connection may be silent while an answer is due, in milliseconds. After that it counts as dead and is
   * replaced. A dead connection is noticed within this time plus `probeIntervalMs`.
   *
   * @default {5_000}
   */
  readonly probeTimeoutMs?: number;
  /**
   * The largest message, in bytes. A message larger than a PostgreSQL payload of 8,000 bytes is sent in parts.
   *
   * @default {8_388_608}
   */
  readonly maxMessageBytes?: number;
  /**
   * How many bytes of published messages may wait for PostgreSQL's confirmation. Beyond it the adapter drops messages,
   * and reports them with stage `"publish"`.
   *
   * @default {33_554_432}
   */
  readonly maxPendingBytes?: number;
  /** Where the histories of topics are kept, and for how long. Used only if a topic with history is in use. */
  readonly history?: PostgresHistorySettings;
}

const TLS_ROWS = {
  ca: optional((value, place) => typeof value === "string" ? value : list(text)(value, place)),
  cert: optional(text),
  key: optional(secret),
  passphrase: optional(secret),
  servername: optional(text),
  rejectUnauthorized: optional(flag),
} satisfies Rows<PostgresTlsOptions>;

const password: Kind<PostgresPassword> = (value, place) => {
  if (typeof value === "string" || typeof value === "function") return value as PostgresPassword;
  throw wrong(Object(value), place, "a text, or a function that gives one");
};

const ENGINE_ROWS = engineRows({ maxMessageBytes: 8 * 1024 * 1024, maxPendingBytes: 32 * 1024 * 1024 });

/** The rules for {@linkcode PostgresConnectionOptions}. */
export const CONNECTION_ROWS = {
  connectTimeoutMs: ENGINE_ROWS.connectTimeoutMs,
  clock: ENGINE_ROWS.clock,
  url: optional((value, place) => {
    const url = text(value, place);
    parseUrl(url);
    return url;
  }),
  host: optional(text),
  port: optional(count({ max: 65_535 })),
  database: optional(text),
  user: optional(text),
  password: optional(password),
  tls: optional((value, place) => typeof value === "boolean" ? value : bag(TLS_ROWS)(value, place)),
  client: optional((value, place) => {
    if ((typeof value === "object" && value !== null) || typeof value === "function") return value;
    throw wrong(value, place, "a client of postgres, of pg or of Bun");
  }),
  connector: optional(oneOf("postgres", "pg")),
  prefix: prefixFor("PostgreSQL"),
} satisfies Rows<PostgresConnectionOptions>;

const ROWS = {
  ...ENGINE_ROWS,
  ...CONNECTION_ROWS,
  history: bag(HISTORY_ROWS),
} satisfies Rows<PostgresAdapterOptions>;

/** The dialer and the prefix, from checked options. */
export interface Place {
  readonly dialer: Dialer;
  readonly channels: NotifyChannels;
}

/** Options in the form that the adapter uses. */
export interface Settings extends Place {
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly maxPendingBytes: number;
  readonly clock: Clock;
  readonly history: HistorySettings;
}

/**
 * Checks options and fills in the defaults.
 *
 * @param options The user's options.
 * @throws {TypeError} If an option has the wrong type, or contradicts another.
 * @throws {RangeError} If a number is out of range.
 */
export function readPostgresOptions(options: PostgresAdapterOptions): Settings {
  refuseAddress("createPostgresAdapter", options, "url");
  const read = readOptions("createPostgresAdapter", options, ROWS);
  return { ...read, ...placeOf(read) };
}

/**
 * Creates the dialer for a database.
 *
 * @param read The options, read by {@linkcode CONNECTION_ROWS}.
 * @throws {TypeError} If options contradict each other.
 */
export function placeOf(read: Read<typeof CONNECTION_ROWS>): Place {
  const { url, host, port, database, user, password, tls, client, connector, prefix, connectTimeoutMs } =
    read;
  const own = Object.entries({ host, port, database, user, password, tls }).filter(([, value]) =>
    value !== undefined
  );
  return {
    dialer: client
      ? given(client, { url, connector, ...Object.fromEntries(own) }, connectTimeoutMs)
      : new SocketDialer(
        toTarget({ ...(url === undefined ? {} : parseUrl(url)), ...Object.fromEntries(own) }),
        connector === "pg" ? pg() : postgresJs,
      ),
    channels: new NotifyChannels(prefix),
  };
}

function given(
  client: PostgresClientLike,
  own: Readonly<Record<string, unknown>>,
  connectTimeoutMs: number,
): Dialer {
  const surplus = Object.keys(own).find((name) => own[name] !== undefined);
  if (surplus) {
    throw new TypeError(`Cannot use both a client and ${surplus} for PostgreSQL: the client has its own`);
  }
  return dialerLike(client, connectTimeoutMs);
}
