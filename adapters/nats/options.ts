/**
 * The options of the NATS adapter, read and checked once.
 *
 * @module
 */

import {
  type Authenticator,
  credsAuthenticator,
  nkeyAuthenticator,
  nkeys,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from "nats";
import { type Clock, systemClock } from "../../contract/clock.ts";
import type { NatsClient } from "./client.ts";
import { Dialer } from "./dialer.ts";
import { type NatsTlsOptions, readServers } from "./servers.ts";
import { Subjects } from "./subject.ts";

/** Options of `createNatsAdapter`. */
export interface NatsAdapterOptions {
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
   * TLS; `true` for the defaults. Servers that demand TLS get it in any case.
   *
   * @default {false}
   */
  readonly tls?: boolean | NatsTlsOptions;
  /**
   * A connection that you already have, of `nats` 2 or `@nats-io/nats-core` 3, instead of all of the above. The adapter
   * never closes it, and relies on it to reconnect: give it `maxReconnectAttempts: -1`. Without `noEcho` it may also serve
   * several hubs.
   */
  readonly connection?: NatsClient;
  /**
   * Keeps applications on one NATS apart: every subject starts with it. Dots make several tokens: `"acme.chat"`.
   *
   * @default {"trunkline"}
   */
  readonly prefix?: string;
  /**
   * How often the server is asked for a sign of life, in milliseconds. A connection that is dead without a word is
   * noticed within twice this time.
   *
   * @default {5_000}
   */
  readonly probeIntervalMs?: number;
  /**
   * How long one server may take to answer before the next one is tried, in milliseconds.
   *
   * @default {5_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How many bytes may be on their way that no server has confirmed. Beyond that a publish is dropped and reported with
   * stage `"publish"`.
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

/** Options, as the adapter uses them. */
export interface Settings {
  readonly subjects: Subjects;
  /** Where connections come from: our own, or the one that was given. */
  readonly source: Dialer | NatsClient;
  readonly probeIntervalMs: number;
  readonly maxPendingBytes: number;
  readonly clock: Clock;
}

const encoder = new TextEncoder();

/**
 * Checks options and fills in the defaults.
 *
 * @param options What the user passed.
 * @throws {TypeError} If something is of the wrong kind, or contradicts something else.
 * @throws {RangeError} If a number is not above 0.
 */
export function readOptions(options: string | NatsAdapterOptions): Settings {
  const given = typeof options === "string" ? { servers: options } : options;
  const { prefix = "trunkline", clock = systemClock } = given;
  const { probeIntervalMs = 5_000, connectTimeoutMs = 5_000, maxPendingBytes = 16 * 1024 * 1024 } = given;
  for (const [name, value] of Object.entries({ probeIntervalMs, connectTimeoutMs, maxPendingBytes })) {
    if (typeof value !== "number" || !(value > 0)) {
      throw new RangeError(`Cannot create a NATS adapter: ${name} must be above 0`);
    }
  }
  const subjects = new Subjects(prefix);
  const source = given.connection ? checkConnection(given) : createDialer(given, connectTimeoutMs, clock);
  return { subjects, source, probeIntervalMs, maxPendingBytes, clock };
}

const OF_OUR_OWN = ["servers", "user", "password", "token", "nkeySeed", "creds", "tls"] as const;

function checkConnection(options: NatsAdapterOptions): NatsClient {
  const client = options.connection!;
  for (
    const name of ["publish", "subscribe", "flush", "status", "closed", "isClosed", "getServer"] as const
  ) {
    if (typeof client[name] !== "function") {
      throw new TypeError(
        "Cannot use this connection: pass what connect() of `nats` 2 or of `@nats-io/transport-node` 3 resolved to",
      );
    }
  }
  const surplus = OF_OUR_OWN.find((name) => options[name] !== undefined);
  if (surplus) {
    throw new TypeError(
      `Cannot create a NATS adapter with both connection and ${surplus}: the connection has its own`,
    );
  }
  return client;
}

function createDialer(options: NatsAdapterOptions, timeoutMs: number, clock: Clock): Dialer {
  const { servers = "nats://127.0.0.1:4222", tls = false } = options;
  const read = readServers(typeof servers === "string" ? servers.split(",") : servers);
  return new Dialer({
    addresses: read.addresses,
    tls: typeof tls === "object" ? tls : tls || read.tls ? {} : undefined,
    authenticator: readLogin({ ...read.credentials, ...options }),
    timeoutMs,
    clock,
  });
}

function readLogin(options: NatsAdapterOptions): Authenticator | undefined {
  const { user, password, token, nkeySeed, creds } = options;
  const ways = { user, token, nkeySeed, creds };
  const used = Object.entries(ways).filter(([, value]) => value !== undefined).map(([name]) => name);
  if (used.length > 1) {
    throw new TypeError(`Cannot create a NATS adapter with ${used.join(" and ")}: choose one way to log in`);
  }
  if (password !== undefined && user === undefined) {
    throw new TypeError("Cannot create a NATS adapter with a password but no user");
  }
  if (user !== undefined) return usernamePasswordAuthenticator(user, password ?? "");
  if (token !== undefined) return tokenAuthenticator(token);
  if (nkeySeed !== undefined) return nkeyAuthenticator(checkSeed(nkeySeed));
  return creds === undefined ? undefined : checkCreds(creds);
}

/** Neither error may have the library's as its cause, lest it tells what it was given. */
function checkSeed(text: string): Uint8Array {
  const seed = encoder.encode(text);
  try {
    nkeys.fromSeed(seed);
  } catch {
    throw new TypeError("Cannot create a NATS adapter: nkeySeed is no seed of an nkey (SU…)");
  }
  return seed;
}

function checkCreds(text: string): Authenticator {
  const authenticator = credsAuthenticator(encoder.encode(text));
  try {
    authenticator("nonce");
  } catch {
    throw new TypeError("Cannot create a NATS adapter: creds is not the content of a creds file");
  }
  return authenticator;
}
