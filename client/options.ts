/**
 * The options of a client, and their defaults.
 *
 * @module
 */

import {
  type Clock,
  type Codec,
  guardReports,
  jsonCodec,
  promiseOf,
  systemClock,
  type WebAbortSignal,
} from "../contract/mod.ts";
import {
  callback,
  clock,
  codec,
  count,
  having,
  ms,
  ratio,
  secret,
} from "../contract/options/option_kinds.ts";
import { bag, type Kind, optional, or, readOptions } from "../contract/options/read_options.ts";
import type { ClientTransport } from "../transports/transport.ts";
import { Addresses, type ClientUrl } from "./addresses.ts";
import { type BackoffSettings, readReconnect } from "./reconnect.ts";
import { limitReports } from "./reports/limit_reports.ts";
import type { Report } from "./reports/report.ts";
import { type ClientLifecycle, pageLifecycle } from "./lifecycle/page.ts";
import type { ClientErrorInfo } from "./api/mod.ts";
import { createWebSocketClientTransport } from "./transports/websocket.ts";
import type { ReconnectOptions } from "./reconnect.ts";

/**
 * What proves who a client is: a text, or a function that is called for every connection. If it is `null` or absent,
 * the server gets no token.
 */
export type ClientToken =
  | string
  | ((info: { readonly signal: WebAbortSignal }) =>
    | string
    | null
    | undefined
    | Promise<string | null | undefined>);

/** Options of {@linkcode createClient}. */
export interface ClientOptions<R extends string = string> {
  /**
   * Where the hub is: `ws:`, `wss:`, `http:` or `https:`; in browsers it may be relative to the page. Of a list the
   * first one is tried first, and another one, drawn at random, after an attempt that failed and when a node goes away;
   * a function is asked on every attempt.
   */
  readonly url: ClientUrl;
  /** The role to connect as. */
  readonly role: R;
  /**
   * The credential. It travels in the first message, never in the URL. A function that throws a `HubError` with
   * `UNAUTHENTICATED` or `FORBIDDEN` ends the client; any other error counts as an attempt that failed, as does an
   * answer that is no text. `null` and `undefined` are no token: the server decides what it makes of that.
   */
  readonly token?: ClientToken | null;
  /**
   * How patiently to reconnect (exponential backoff with full jitter); `false` for never: the client closes for good
   * when its connection cannot be made or is lost.
   */
  readonly reconnect?: ReconnectOptions | false;
  /**
   * How long an attempt to connect may take, in milliseconds, the token and the server's welcome included.
   *
   * @default {10_000}
   */
  readonly connectTimeoutMs?: number;
  /**
   * How long to wait for the answer to a request or a subscribe, in milliseconds.
   *
   * @default {10_000}
   */
  readonly requestTimeoutMs?: number;
  /**
   * After how many milliseconds without a sign of life the link counts as lost.
   *
   * @default {twice the heartbeat that the server announces}
   */
  readonly livenessTimeoutMs?: number;
  /**
   * What becomes of requests and signals while the client is not open: they fail with `DISCONNECTED`, or so many of
   * them wait (a request not longer than its timeout) and are sent in order; beyond that they fail with `UNAVAILABLE`.
   *
   * @default {{ queue: 100 }}
   */
  readonly offline?: "fail" | { readonly queue?: number };
  /**
   * How many requests may wait for their answer at once, those that are not sent yet included; beyond that they fail
   * with `UNAVAILABLE`. As many requests of the server are worked on at once, and as many more that were taken back, or
   * came on a connection that was lost; beyond that the server is answered `UNAVAILABLE`.
   *
   * @default {1_000}
   */
  readonly maxPendingRequests?: number;
  /**
   * How many unsent bytes may wait. While there are more, requests and signals fail with `UNAVAILABLE`, and pings of
   * the server are not answered. If an answer to a request of the server does not fit, the client ends the connection,
   * and `onError` gets an error.
   *
   * @default {16_777_216}
   */
  readonly maxBufferedBytes?: number;
  /**
   * Gets errors that no call can reject with: of listeners, bad payloads, refused signals, subscriptions that ended.
   * For bad payloads and faults of the server it gets the first error of each name and code at once, and then one in 10
   * seconds, which says how many were left out.
   *
   * @default {console.error}
   */
  readonly onError?: (error: unknown, info: ClientErrorInfo) => void;
  /**
   * How messages become frames. The hub must have it among its `codecs`.
   *
   * @default {jsonCodec}
   */
  readonly codec?: Codec;
  /**
   * What carries the bytes.
   *
   * @default {the platform's WebSocket}
   */
  readonly transport?: ClientTransport;
  /**
   * Tells when the device woke up, the network came back or the application is in the foreground again: a dead link is
   * noticed at once then, and the wait for the next attempt ends. Pages do by themselves, and everywhere the client
   * notices by its timers that the process has slept; an application of React Native passes its `AppState`.
   *
   * @default {the events of the page}
   */
  readonly lifecycle?: ClientLifecycle;
  /**
   * Where timeouts come from.
   *
   * @default {the platform's timers}
   */
  readonly clock?: Clock;
  /**
   * Where jitter comes from: a number from 0 up to, not including, 1. Anything else is replaced by one of `Math.random`, and
   * reported once.
   *
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** The options, checked, with their defaults. */
export interface Settings {
  readonly addresses: Addresses;
  readonly role: string;
  /** Asked anew for every connection. */
  readonly token: (
    info: { readonly signal: WebAbortSignal },
  ) => string | undefined | Promise<string | undefined>;
  readonly reconnect: BackoffSettings;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly livenessTimeoutMs: number | undefined;
  readonly maxQueued: number | undefined;
  readonly maxPendingRequests: number;
  readonly maxBufferedBytes: number;
  readonly report: Report;
  /** The same for what a server may cause without end; limited. */
  readonly reportRepeated: Report;
  readonly codec: Codec;
  readonly transport: ClientTransport;
  readonly lifecycle: ClientLifecycle;
  readonly clock: Clock;
  readonly random: () => number;
}

function logError(error: unknown, { stage, name }: ClientErrorInfo): void {
  console.error(`Trunkline client (${stage}${name === undefined ? "" : ` "${name}"`}):`, error);
}

const credential: Kind<string | undefined> = (value, place) =>
  value == null ? undefined : secret(value, place);

const token: Kind<Settings["token"]> = (value, place) => {
  if (typeof value === "function") {
    return (info) => {
      const given: unknown = value(info);
      return promiseOf(given)?.then((text) => credential(text, place)) ?? credential(given, place);
    };
  }
  const text = credential(value, place);
  return () => text;
};

const queue = bag({ queue: or(count({ min: 0, max: Infinity }), 100) });

const OPTIONS = {
  url: (value) => value, // checked by what uses it, as is the role
  role: (value) => value as string,
  token,
  reconnect: readReconnect,
  connectTimeoutMs: or(ms(), 10_000),
  requestTimeoutMs: or(ms(), 10_000),
  livenessTimeoutMs: optional(ms()),
  offline: (value, place) => value === "fail" ? undefined : queue(value, place).queue,
  maxPendingRequests: or(count({ max: Infinity }), 1_000),
  maxBufferedBytes: or(count({ min: 0, max: Infinity }), 16 * 1024 * 1024),
  onError: or(callback<NonNullable<ClientOptions["onError"]>>(), logError),
  codec: or(codec, jsonCodec),
  transport: optional(having<ClientTransport>("a transport for clients", "connect")),
  lifecycle: or(callback<ClientLifecycle>(), pageLifecycle),
  clock: or(clock, systemClock),
  random: or(callback<() => number>(), Math.random),
} satisfies Readonly<Record<keyof ClientOptions, Kind<unknown>>>;

/** What a `random` gives: from 0 up to, not including, 1. */
const drawn = ratio({ min: 0, max: 1 - Number.EPSILON / 2 });

/** Draws such numbers, whatever the user's function gives or throws. */
function keepDrawing(random: () => unknown, report: Report): () => number {
  let told = false;
  return () => {
    try {
      return drawn(random(), { owner: "createClient", path: "a result of random" });
    } catch (error) {
      // Later: whoever draws is in the middle of something, and who hears of it may close the client.
      if (!told) queueMicrotask(() => report(error, { stage: "connect" }));
      told = true;
      return Math.random();
    }
  };
}

/**
 * Checks options and fills in the defaults.
 *
 * @param options As the user gave them.
 * @throws {TypeError} When an option is unknown, or not of its type, or an address is not one.
 * @throws {RangeError} When a number is out of its range.
 */
export function resolveOptions(options: unknown): Settings {
  const { url, offline, onError, transport, ...settings } = readOptions("createClient", options, OPTIONS);
  const report = guardReports(onError);
  const random = keepDrawing(settings.random, report);
  return {
    ...settings,
    random,
    addresses: new Addresses(url, random),
    maxQueued: offline,
    report,
    reportRepeated: limitReports(report, settings.clock),
    transport: transport ?? createWebSocketClientTransport(),
  };
}
