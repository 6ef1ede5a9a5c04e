/**
 * The options of a connection to Redis.
 *
 * @module
 */

import type { RedisOptions } from "ioredis";
import {
  count,
  flag,
  having,
  list,
  ms,
  oneOf,
  secret,
  text,
} from "../../../contract/options/option_kinds.ts";
import { bag, type Kind, optional, or, type Rows } from "../../../contract/options/read_options.ts";
import { createIoredisDriver, duplicateIoredis, type IoredisClient } from "./ioredis.ts";
import type { RedisDriver } from "./link.ts";
import { createNodeRedisDriver, duplicateNodeRedis, type NodeRedisClient } from "./node_redis.ts";

/** TLS of a connection to Redis, as `node:tls` takes it. */
export interface RedisTlsOptions {
  /** Certificates to trust, in PEM, instead of the platform's. */
  readonly ca?: string | readonly string[];
  /** The certificate of this side, in PEM. */
  readonly cert?: string;
  /** Its key, in PEM. */
  readonly key?: string;
  /** The password of the key. */
  readonly passphrase?: string;
  /**
   * The name that the certificate must have.
   *
   * @default {the host}
   */
  readonly servername?: string;
  /**
   * Whether to refuse a certificate that cannot be verified. With `false`, an attacker on the network can read the
   * traffic.
   *
   * @default {true}
   */
  readonly rejectUnauthorized?: boolean;
}

/** The address of a server. */
export interface RedisAddress {
  /** The name or address of the machine. */
  readonly host: string;
  /** The port. */
  readonly port: number;
}

/**
 * A client of `ioredis` (5 or 6) or of `redis`, also known as node-redis (4 to 6). The adapter uses only its options,
 * and makes its own connections by `duplicate()`. It never sends anything over this client, and never closes it.
 */
export interface RedisClientLike {
  /** Makes a client with the same options. */
  duplicate(overrides?: Record<string, unknown>): unknown;
}

/** How to connect to Redis. */
export interface RedisConnectionOptions {
  /**
   * `redis://[[USER]:PASSWORD@]HOST[:PORT]`, or `rediss://` for TLS. Other options take precedence. A database, as in
   * `redis://host/1`, is ignored, because channels belong to no database.
   */
  readonly url?: string;
  /**
   * The server's name or address.
   *
   * @default {"localhost"}
   */
  readonly host?: string;
  /**
   * The server's port.
   *
   * @default {6379}
   */
  readonly port?: number;
  /**
   * The user of Redis' ACL.
   *
   * @default {the user named default}
   */
  readonly username?: string;
  /** The password. */
  readonly password?: string;
  /**
   * TLS: `true` for the defaults.
   *
   * @default {true for rediss://, else false}
   */
  readonly tls?: boolean | RedisTlsOptions;
  /**
   * Sentinels to ask for the master's address, instead of host and port. Needs {@linkcode RedisConnectionOptions.name}.
   */
  readonly sentinels?: readonly RedisAddress[];
  /** The sentinels' name of the master. */
  readonly name?: string;
  /** The user for the sentinels. */
  readonly sentinelUsername?: string;
  /** The password for the sentinels. */
  readonly sentinelPassword?: string;
  /** TLS for the sentinels. */
  readonly sentinelTls?: boolean | RedisTlsOptions;
  /**
   * Your own client. The adapter connects with the client's options, instead of all other options of the connection.
   */
  readonly client?: RedisClientLike;
  /**
   * The client library that connects: `"ioredis"`, or `"node-redis"`, which is the package `redis` and works without
   * sentinels here. Only this library has to be installed. With your own client, it names the client's library if the
   * adapter cannot see it.
   *
   * @default {"ioredis"; that of the client}
   */
  readonly connector?: "ioredis" | "node-redis";
}

const TLS_ROWS = {
  ca: optional((value, place) => typeof value === "string" ? value : list(text)(value, place)),
  cert: optional(text),
  key: optional(secret),
  passphrase: optional(secret),
  servername: optional(text),
  rejectUnauthorized: optional(flag),
} satisfies Rows<RedisTlsOptions>;

/** `true`, `false` or options. */
export const tlsOption: Kind<boolean | RedisTlsOptions> = (value, place) =>
  typeof value === "boolean" ? value : bag(TLS_ROWS)(value, place);

const port: Kind<number> = count({ max: 65_535 });

/** The rows for the options of a connection. */
export const CONNECTION_ROWS = {
  url: optional(urlOption),
  host: optional(text),
  port: optional(port),
  username: optional(text),
  password: optional(secret),
  tls: optional(tlsOption),
  sentinels: optional(list(bag({ host: text, port }), { min: 1 })),
  name: optional(text),
  sentinelUsername: optional(text),
  sentinelPassword: optional(secret),
  sentinelTls: optional(tlsOption),
  client: optional(having<RedisClientLike>("a client of ioredis or of redis")),
  connector: optional(oneOf("ioredis", "node-redis")),
} satisfies Rows<RedisConnectionOptions>;

const DAY_MS = 24 * 60 * 60 * 1_000;

/** How long to remember a topic without publishes. Redis allows longer times than the timers of JavaScript. */
export const HISTORY_KEEP: Kind<number> = or(ms({ min: 1_000, max: 36_500 * DAY_MS }), 30 * DAY_MS);

const CONNECTION_OPTIONS = (Object.keys(CONNECTION_ROWS) as (keyof RedisConnectionOptions)[])
  .filter((name) => name !== "client" && name !== "connector");

/**
 * Makes connections from options.
 *
 * @param options The user's options.
 * @param connectTimeoutMs How long connecting may take.
 * @throws {TypeError} If they contradict each other or make no sense.
 */
export function driverFor(options: RedisConnectionOptions, connectTimeoutMs: number): RedisDriver {
  const { client, connector } = options;
  if (client === undefined) {
    const settings = settingsOf(options);
    return connector === "node-redis"
      ? createNodeRedisDriver(settings, connectTimeoutMs)
      : createIoredisDriver(settings, connectTimeoutMs);
  }
  const extra = CONNECTION_OPTIONS.find((name) => options[name] !== undefined);
  if (extra) {
    throw new TypeError(`Cannot use both a Redis client and the option "${extra}": give one of them`);
  }
  if (connector !== "node-redis" && isIoredis(client)) return duplicateIoredis(client, connectTimeoutMs);
  if (connector !== "ioredis" && isNodeRedis(client)) return duplicateNodeRedis(client, connectTimeoutMs);
  throw new TypeError(
    `Cannot use this Redis client: pass a client of ${
      connector === undefined ? "ioredis or of redis" : connector === "ioredis" ? connector : "redis"
    } that speaks to one server or to sentinels (for a cluster use the adapter redis-cluster)`,
  );
}

function isIoredis(client: RedisClientLike): client is IoredisClient {
  const { status, options, isCluster, duplicate } = client as Partial<IoredisClient> & {
    isCluster?: unknown;
  };
  return typeof duplicate === "function" && typeof status === "string" && typeof options === "object" &&
    isCluster !== true;
}

function isNodeRedis(client: RedisClientLike): client is NodeRedisClient {
  const { isOpen, duplicate, publish, isReady } = client as Partial<NodeRedisClient>;
  // Its clients for clusters and sentinels have other options.
  return typeof duplicate === "function" && typeof publish === "function" && typeof isOpen === "boolean" &&
    typeof isReady === "boolean" && !("slots" in client) && !("getMasterNode" in client);
}

function settingsOf(options: RedisConnectionOptions): RedisOptions {
  const { client: _client, connector: _connector, url, ...said } = options;
  const given = Object.entries(said).filter(([, value]) => value !== undefined);
  const { host = "localhost", port = 6379, username, password, tls, sentinels, name, ...sentinel } = {
    ...(url === undefined ? {} : parseUrl(url)),
    ...Object.fromEntries(given),
  } as RedisConnectionOptions;
  if ((sentinels === undefined) !== (name === undefined)) {
    throw new TypeError("Cannot connect by Redis Sentinel: give both the sentinels and the master's name");
  }
  return {
    username,
    password,
    tls: tlsSettings(tls),
    ...(sentinels
      ? {
        sentinels: sentinels.map(({ host, port }) => ({ host, port })),
        name,
        sentinelUsername: sentinel.sentinelUsername,
        sentinelPassword: sentinel.sentinelPassword,
        sentinelTLS: tlsSettings(sentinel.sentinelTls),
        enableTLSForSentinelMode: Boolean(tls),
      }
      : { host, port }),
  };
}

function tlsSettings(tls: boolean | RedisTlsOptions | undefined): RedisOptions["tls"] {
  if (!tls || tls === true) return tls ? {} : undefined;
  const { ca, ...others } = tls;
  return { ...others, ...(ca === undefined ? {} : { ca: typeof ca === "string" ? ca : [...ca] }) };
}

/** Checks that a URL can be read. The error does not repeat the URL, because it may hold a password. */
function urlOption(value: unknown): string {
  parseUrl(value as string);
  return value as string;
}

function parseUrl(text: string): Partial<RedisConnectionOptions> {
  try {
    const url = new URL(text);
    if (!["redis:", "rediss:"].includes(url.protocol) || url.hostname === "") throw new TypeError();
    const { hostname, port, username, password, protocol } = url;
    return {
      host: hostname.replace(/^\[(.*)\]$/, "$1"),
      ...(port === "" ? {} : { port: Number(port) }),
      ...(username === "" ? {} : { username: decodeURIComponent(username) }),
      ...(password === "" ? {} : { password: decodeURIComponent(password) }),
      ...(protocol === "rediss:" ? { tls: true } : {}),
    };
  } catch {
    throw new TypeError(
      "Cannot connect to Redis: its URL must be like redis://user:password@host:6379, or rediss:// for TLS, " +
        "with special characters of the password percent-encoded",
    );
  }
}
