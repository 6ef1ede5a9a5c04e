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
import { bag, type Kind, optional, or, type Place, readOptions } from "../contract/options/read_options.ts";
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
 * The token that proves who a client is: a text, or a function that is called for every connection. If it is `null`
 * or absent, the server gets no token.
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
   * The address of the hub: `ws:`, `wss:`, `http:` or `https:`. In browsers it may be relative to the page. If you
   * give a list, the first address is tried first. After a failed attempt, and when a node goes away, another one is
   * drawn at random. A function is called before every attempt.
   */
  readonly url: ClientUrl;
  /** The role to connect as. */
  readonly role: R;
  /**
   * The token. It travels in the first message, never in the URL. If a function throws a `HubError` with
   * `UNAUTHENTICATED` or `FORBIDDEN`, the client ends. Any other error, or a result that is not text, counts as a
   * failed attempt. `null` and `undefined` mean no token: the server decides whether to accept that.
   */
  readonly token?: ClientToken | null;
  /**
   * How to reconnect (exponential backoff with full jitter). `false`: never. Then the client closes for good when it
   * cannot connect or loses its connection.
   */
  readonly reconnect?: ReconnectOptions | false;
  /**
   * How long an attempt to connect may take, in milliseconds. This includes the token and the server's welcome.
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
   * The link counts as lost when the server sends nothing for this long, in milliseconds.
   *
   * @default {twice the heartbeat that the server announces}
   */
  readonly livenessTimeoutMs?: number;
  /**
   * What happens to requests and signals while the client is not open. `"fail"`: they fail with `DISCONNECTED`.
   * `queue`: this many of them wait, and are sent in order; more fail with `UNAVAILABLE`. A request waits no longer
   * than its timeout.
   *
   * @default {{ queue: 100 }}
   */
  readonly offline?: "fail" | { readonly queue?: number };
  /**
   * How many requests may wait for an answer at once, including requests that are not sent yet. More fail with
   * `UNAVAILABLE`. The same limit holds for requests of the server that run at once. A separate limit of the same size
   * holds for requests of the server that still run after they were cancelled or lost their connection. Beyond these
   * two limits the server gets `UNAVAILABLE`.
   *
   * @default {1_000}
   */
  readonly maxPendingRequests?: number;
  /**
   * How many unsent bytes may wait. While more wait, requests and signals fail with `UNAVAILABLE`, and the client
   * does not answer the server's pings. If an answer to a request of the server does not fit, the client ends the
   * connection, and `onError` gets an error.
   *
   * @default {16_777_216}
   */
  readonly maxBufferedBytes?: number;
  /**
   * Gets errors that no call can reject with: errors of listeners, bad payloads, refused signals, ended
   * subscriptions. For bad payloads and faults of the server, it gets the first error of each name and code at once.
   * After that it gets at most one in 10 seconds, which says how many were left out.
   *
   * @default {console.error}
   */
  readonly onError?: (error: unknown, info: ClientErrorInfo) => void;
  /**
   * How messages become frames. The hub's `codecs` must include this codec.
   *
   * @default {jsonCodec}
   */
  readonly codec?: Codec;
  /**
   * The transport that carries the frames.
   *
   * @default {the platform's WebSocket}
   */
  readonly transport?: ClientTransport;
  /**
   * Tells the client when the device woke up, the network came back, or the application is in the foreground again.
   * Then the client notices a dead link at once, and ends its wait for the next attempt. In pages the default does
   * this. On every platform the client also notices by its timers that the process has slept. An application in React
   * Native passes its `AppState`.
   *
   * @default {the events of the page}
   */
  readonly lifecycle?: ClientLifecycle;
  /**
   * The source of time and timers.
   *
   * @default {the platform's timers}
   */
  readonly clock?: Clock;
  /**
   * The source of jitter: a number from 0 up to, not including, 1. Any other result is replaced by one of
   * `Math.random`, and reported once.
   *
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** The options, checked, with their defaults. */
export interface Settings {
  readonly addresses: Addresses;
  readonly role: string;
  /** Called for every connection. */
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
  /** The same for errors that a server can cause without end. Limited. */
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

const credential = (value: unknown, place: Place, give?: string): string | undefined =>
  value == null ? undefined : secret(value, place, give);

const token: Kind<Settings["token"]> = (value, place) => {
  if (typeof value === "function") {
    return (info) => {
      const given: unknown = value(info);
      return promiseOf(given)?.then((text) => credential(text, place)) ?? credential(given, place);
    };
  }
  const text = credential(value, place, "a text or a function");
  return () => text;
};

const queue = bag({ queue: or(count({ min: 0, max: Infinity }), 100) });

const OPTIONS = {
  url: (value) => value, // checked where it is used, like the role
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

/** A result of `random`: from 0 up to, not including, 1. */
const drawn = ratio({ min: 0, max: 1 - Number.EPSILON / 2 });

/** Returns a function that always gives such a number, even if the user's function throws or gives something else. */
function keepDrawing(random: () => unknown, report: Report): () => number {
  let told = false;
  return () => {
    try {
      return drawn(random(), { owner: "createClient", path: "a result of random" });
    } catch (error) {
      // Reported later: the caller is in the middle of its work, and a listener may close the client.
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
 * @throws {TypeError} When an option is unknown or has the wrong type, or when an address is not a URL.
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
