/**
 * The options of the NATS adapter.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { having, list, secret, text } from "../../contract/options/option_kinds.ts";
import { bag, optional, type Read, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { engineRows, prefixFor, refuseAddress, refuseUrl } from "../kit/options.ts";
import type { NatsClient } from "./client.ts";
import { Dialer } from "./dialer.ts";
import { HISTORY_ROWS, historyParts, type NatsHistorySettings } from "./history/options.ts";
import { NatsHistory } from "./history/store.ts";
import { readLogin } from "./login.ts";
import { type NatsTlsOptions, readServers } from "./servers.ts";
import { type ClientSource, GivenClient } from "./source.ts";
import { Subjects } from "./subject.ts";

/** Where NATS is, and how to connect. */
export interface NatsConnectionOptions {
  /**
   * The servers, as `nats://host:4222` or `tls://host:4222`, one or several of a cluster. User and password, or a token,
   * may be part of a URL.
   *
   * @default {"nats://127.0.0.1:4222"}
   */
  readonly servers?: string | readonly string[];
  /** The user to log in as. */
  readonly user?: string;
  /** The user's password. */
  readonly password?: string;
  /** The token to log in with. */
  readonly token?: string;
  /** The seed of the nkey to log in with: `SU…`. */
  readonly nkeySeed?: string;
  /** The content of a creds file (not its path): a JWT and the seed of its nkey. */
  readonly creds?: string;
  /**
   * TLS; `true` for the defaults. It is always used for servers that require TLS.
   *
   * @default {false}
   */
  readonly tls?: boolean | NatsTlsOptions;
  /**
   * Your own connection, of `nats` 2 or `@nats-io/nats-core` 3, instead of all options above. The adapter never closes
   * it, and relies on it to reconnect: create it with `maxReconnectAttempts: -1`. Without `noEcho` it may also serve
   * several hubs.
   */
  readonly connection?: NatsClient;
  /**
   * Keeps applications on one NATS apart: every subject starts with it, and nodes with the same prefix form a cluster.
   * Any text that is not empty; the name of your application will do. Dots make several tokens: `"acme.chat"`.
   */
  readonly prefix: string;
  /**
   * How often to ask the server for a sign of life, in milliseconds.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long the server may be silent after a probe, in milliseconds. After that the connection counts as dead. A dead
   * connection is noticed within this time plus `probeIntervalMs`.
   *
   * @default {5_000}
   */
  readonly probeTimeoutMs?: number;
  /**
   * How long to wait for one server's answer before the next server is tried, in milliseconds.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How many bytes may be on their way without a server's confirmation. Beyond it the adapter drops messages, and
   * reports them with stage `"publish"`.
   *
   * @default {16_777_216}
   */
  readonly maxPendingBytes?: number;
  /**
   * The source of time, for tests.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** Options of `createNatsHistory`. */
export interface NatsHistoryOptions extends NatsConnectionOptions, NatsHistorySettings {}

/** Options of `createNatsAdapter`. */
export interface NatsAdapterOptions extends NatsConnectionOptions {
  /**
   * Whether and how JetStream keeps the histories of topics, so that clients recover on any node. The servers need
   * JetStream for it. With `false`, each node keeps its own histories.
   *
   * @default {false}
   */
  readonly history?: boolean | NatsHistorySettings;
}

const TLS_ROWS = {
  ca: optional(text),
  cert: optional(text),
  key: optional(secret),
  serverName: optional(text),
} satisfies Rows<NatsTlsOptions>;

const { maxMessageBytes: _servers, ...ENGINE_ROWS } = engineRows({
  maxMessageBytes: 1,
  maxPendingBytes: 16 * 1024 * 1024,
});

/** The rows of {@linkcode NatsConnectionOptions}. */
const CONNECTION_ROWS = {
  ...ENGINE_ROWS,
  servers: optional((value, place) => typeof value === "string" ? value : list(text)(value, place)),
  user: optional(text),
  password: optional(secret),
  token: optional(secret),
  nkeySeed: optional(secret),
  creds: optional(secret),
  tls: optional((value, place) => typeof value === "boolean" ? value : bag(TLS_ROWS)(value, place)),
  connection: optional(
    having<NatsClient>(
      "what connect() of `nats` 2 or of `@nats-io/transport-node` 3 resolved to",
      ...["publish", "subscribe", "flush", "status", "closed", "isClosed", "getServer"] as const,
    ),
  ),
  prefix: prefixFor("NATS"),
} satisfies Rows<NatsConnectionOptions>;

const ADAPTER_ROWS = {
  ...CONNECTION_ROWS,
  history: (value, place) => {
    const given = value === true ? {} : value;
    return given === undefined || given === false ? undefined : bag(HISTORY_ROWS)(given, place);
  },
} satisfies Rows<NatsAdapterOptions>;

const HISTORY_STORE_ROWS = { ...CONNECTION_ROWS, ...HISTORY_ROWS } satisfies Rows<NatsHistoryOptions>;

/** Options in the form that the adapter uses. */
export interface Settings {
  readonly subjects: Subjects;
  /** The source of connections: the adapter itself, or the user's connection. */
  readonly source: ClientSource;
  readonly connectTimeoutMs: number;
  readonly probeIntervalMs: number;
  readonly probeTimeoutMs: number;
  readonly maxPendingBytes: number;
  readonly clock: Clock;
  /** The history store, if there is one. */
  readonly history: NatsHistory | undefined;
}

/**
 * Checks the options of an adapter and fills in the defaults.
 *
 * @param options The user's options.
 * @throws {TypeError} If an option has the wrong type, or contradicts another.
 * @throws {RangeError} If a number is out of range.
 */
export function readNatsOptions(options: NatsAdapterOptions): Settings {
  refuseAddress("createNatsAdapter", options, "servers");
  refuseUrl("createNatsAdapter", options, "servers");
  const read = readOptions("createNatsAdapter", options, ADAPTER_ROWS);
  return settingsOf(read, read.history, true);
}

/**
 * Checks the options of a history store and fills in the defaults.
 *
 * @param options The user's options.
 * @throws {TypeError} If an option has the wrong type, or contradicts another.
 * @throws {RangeError} If a number is out of range.
 */
export function readNatsHistoryOptions(
  options: NatsHistoryOptions,
): Settings & { readonly history: NatsHistory } {
  refuseAddress("createNatsHistory", options, "servers");
  refuseUrl("createNatsHistory", options, "servers");
  const read = readOptions("createNatsHistory", options, HISTORY_STORE_ROWS);
  const settings = settingsOf(read, read, false);
  return { ...settings, history: settings.history! };
}

type ReadConnection = Read<typeof CONNECTION_ROWS>;

function settingsOf(
  read: ReadConnection,
  history: Read<typeof HISTORY_ROWS> | undefined,
  publishes: boolean,
): Settings {
  const { prefix, connection, clock, connectTimeoutMs, probeIntervalMs, probeTimeoutMs, maxPendingBytes } =
    read;
  const subjects = new Subjects(prefix);
  const shared = { prefix, subjects, clock, timeoutMs: probeTimeoutMs, publishes };
  return {
    subjects,
    source: connection ? givenClient(read, connection) : createDialer(read, connectTimeoutMs),
    clock,
    connectTimeoutMs,
    probeIntervalMs,
    probeTimeoutMs,
    maxPendingBytes,
    history: history && new NatsHistory(historyParts(history, shared)),
  };
}

const OF_OUR_OWN = ["servers", "user", "password", "token", "nkeySeed", "creds", "tls"] as const;

function givenClient(options: NatsConnectionOptions, client: NatsClient): GivenClient {
  const surplus = OF_OUR_OWN.find((name) => options[name] !== undefined);
  if (surplus) {
    throw new TypeError(
      `Cannot create a NATS adapter with both connection and ${surplus}: the connection has its own`,
    );
  }
  return new GivenClient(client);
}

function createDialer(options: NatsConnectionOptions, timeoutMs: number): Dialer {
  const { servers = "nats://127.0.0.1:4222", tls = false } = options;
  const read = readServers(typeof servers === "string" ? servers.split(",") : servers);
  const { user, password, token, nkeySeed, creds } = options;
  const said = Object.entries({ user, password, token, nkeySeed, creds }).filter(([, value]) =>
    value !== undefined
  );
  return new Dialer({
    addresses: read.addresses,
    tls: typeof tls === "object" ? tls : tls || read.tls ? {} : undefined,
    login: readLogin({ ...read.credentials, ...Object.fromEntries(said) }),
    timeoutMs,
  });
}
