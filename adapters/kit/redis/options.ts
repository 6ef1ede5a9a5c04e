/**
 * What users say about their Redis, as a way to connect.
 *
 * @module
 */

import type { RedisOptions } from "ioredis";
import { createIoredisDriver, duplicateIoredis, type IoredisClient } from "./ioredis.ts";
import type { RedisDriver } from "./link.ts";
import { duplicateNodeRedis, type NodeRedisClient } from "./node_redis.ts";

/** TLS of a connection to Redis, as `node:tls` takes it. */
export interface RedisTlsOptions {
  /** Certificates to trust, in PEM, instead of the platform's. */
  readonly ca?: string | readonly string[];
  /** The certificate of this side, in PEM. */
  readonly cert?: string;
  /** Its key, in PEM. */
  readonly key?: string;
  /** What the key is encrypted with. */
  readonly passphrase?: string;
  /**
   * The name that the certificate must be for.
   *
   * @default {the host}
   */
  readonly servername?: string;
  /**
   * Whether a certificate that cannot be verified is refused. Without it anybody in between can read along.
   *
   * @default {true}
   */
  readonly rejectUnauthorized?: boolean;
}

/** Where a server listens. */
export interface RedisAddress {
  /** The name or address of the machine. */
  readonly host: string;
  /** The port. */
  readonly port: number;
}

/**
 * A client of `ioredis` (5 or 6) or of `redis`, also known as node-redis (4 to 6). Only its options are used: the
 * adapter makes connections of its own by `duplicate()`, and never sends anything over this one, nor closes it.
 */
export interface RedisClientLike {
  /** Makes a client with the same options. */
  duplicate(overrides?: Record<string, unknown>): unknown;
}

/** How to connect to Redis. */
export interface RedisConnectionOptions {
  /**
   * `redis://[[USER]:PASSWORD@]HOST[:PORT]`, or `rediss://` for TLS. Other options take precedence. A database, as in
   * `redis://host/1`, is ignored: channels belong to no database.
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
  /** Sentinels to ask for the master; with {@linkcode RedisConnectionOptions.name} and instead of host and port. */
  readonly sentinels?: readonly RedisAddress[];
  /** What the sentinels call the master. */
  readonly name?: string;
  /** The user at the sentinels. */
  readonly sentinelUsername?: string;
  /** The password at the sentinels. */
  readonly sentinelPassword?: string;
  /** TLS to the sentinels. */
  readonly sentinelTls?: boolean | RedisTlsOptions;
  /** A client that you have, to connect as it does; instead of all the other options of the connection. */
  readonly client?: RedisClientLike;
}

const CONNECTION_OPTIONS = [
  "url",
  "host",
  "port",
  "username",
  "password",
  "tls",
  "sentinels",
  "name",
  "sentinelUsername",
  "sentinelPassword",
  "sentinelTls",
] as const;

/**
 * Turns options into connections.
 *
 * @param options What the user says.
 * @param connectTimeoutMs How long a connection may take to be made.
 * @throws {TypeError} If they contradict each other or make no sense.
 */
export function driverFor(options: RedisConnectionOptions, connectTimeoutMs: number): RedisDriver {
  const { client } = options;
  if (client === undefined) return createIoredisDriver(settingsOf(options), connectTimeoutMs);
  const extra = CONNECTION_OPTIONS.find((name) => options[name] !== undefined);
  if (extra) {
    throw new TypeError(`Cannot use both a Redis client and the option "${extra}": give one of them`);
  }
  if (isIoredis(client)) return duplicateIoredis(client, connectTimeoutMs);
  if (isNodeRedis(client)) return duplicateNodeRedis(client, connectTimeoutMs);
  throw new TypeError(
    "Cannot use this Redis client: pass a client of ioredis or of redis that speaks to one server or to sentinels " +
      "(for a cluster use the adapter redis-cluster)",
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
  const fromUrl = options.url === undefined ? {} : parseUrl(options.url);
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const { host = "localhost", port = 6379, username, password, tls, sentinels, name, ...sentinel } = {
    ...fromUrl,
    ...Object.fromEntries(given),
  } as RedisConnectionOptions;
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RangeError("Cannot connect to Redis: the port must be between 1 and 65535");
  }
  if (sentinels && (sentinels.length === 0 || !name)) {
    throw new TypeError(
      "Cannot connect by Redis Sentinel: give at least one sentinel, and the master's name",
    );
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

/** Never tells the URL, which may hold a password. */
function parseUrl(text: string): Partial<RedisConnectionOptions> {
  let url: URL;
  try {
    url = new URL(text);
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
