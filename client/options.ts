/**
 * The options of a client, and their defaults.
 *
 * @module
 */

import { MAX_TIMER_MS } from "../contract/clock.ts";
import { type Clock, type Codec, jsonCodec, systemClock } from "../contract/mod.ts";
import type { ClientTransport } from "../transports/transport.ts";
import { Addresses, type ClientUrl } from "./addresses.ts";
import { type BackoffSettings, resolveReconnect } from "./reconnect.ts";
import { type ClientLifecycle, pageLifecycle } from "./lifecycle/page.ts";
import { callSafely } from "./call_safely.ts";
import type { ClientErrorInfo } from "./types.ts";
import { createWebSocketClientTransport } from "./transports/websocket.ts";
import type { ReconnectOptions } from "./reconnect.ts";

/** What a client says to prove who it is: a text, or a function that is asked anew for every connection. */
export type ClientToken =
  | string
  | ((info: { readonly signal: AbortSignal }) => string | Promise<string>);

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
   * `UNAUTHENTICATED` or `FORBIDDEN` ends the client; any other error counts as an attempt that failed.
   */
  readonly token?: ClientToken;
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
  readonly offline?: "fail" | { readonly queue: number };
  /**
   * How many requests may wait for their answer at once, those that are not sent yet included; beyond that they fail
   * with `UNAVAILABLE`. As many requests of the server are worked on at once.
   *
   * @default {1_000}
   */
  readonly maxPendingRequests?: number;
  /**
   * How many bytes may wait to leave; while more do, requests and signals fail with `UNAVAILABLE`.
   *
   * @default {16_777_216}
   */
  readonly maxBufferedBytes?: number;
  /**
   * Takes errors that nobody waits for: of listeners, bad payloads, refused signals, subscriptions that ended.
   *
   * @default {console.error}
   */
  readonly onError?: (error: unknown, info: ClientErrorInfo) => void;
  /**
   * How messages become frames; the server must speak it too.
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
   * Where jitter comes from: a number from 0 up to, not including, 1.
   *
   * @default {Math.random}
   */
  readonly random?: () => number;
}

/** Reports an error that nobody waits for. Never throws. */
export type Report = (error: unknown, info: ClientErrorInfo) => void;

/** The options, checked, with their defaults. */
export interface Settings {
  readonly addresses: Addresses;
  readonly role: string;
  readonly token: ClientToken | undefined;
  readonly reconnect: BackoffSettings;
  readonly connectTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly livenessTimeoutMs: number | undefined;
  readonly maxQueued: number | undefined;
  readonly maxPendingRequests: number;
  readonly maxBufferedBytes: number;
  readonly report: Report;
  readonly codec: Codec;
  readonly transport: ClientTransport;
  readonly lifecycle: ClientLifecycle;
  readonly clock: Clock;
  readonly random: () => number;
}

/**
 * Checks a time to wait.
 *
 * @param name What it is, for the error's message.
 * @param ms The time in milliseconds.
 * @throws {RangeError} When no timer could keep it.
 */
export function checkTimeout(name: string, ms: number): number {
  if (ms > 0 && ms <= MAX_TIMER_MS) return ms;
  throw new RangeError(`Cannot use ${ms} as ${name}: it must be above 0 and at most ${MAX_TIMER_MS}`);
}

function checkCount(name: string, count: number): number {
  if (count >= 0) return count;
  throw new RangeError(`Cannot use ${count} as ${name}: it must be 0 or above`);
}

/** Whatever the user's function does, reporting goes on. */
function toReport(onError: NonNullable<ClientOptions["onError"]>): Report {
  return (error, info) => {
    callSafely(() => onError(error, info), console.error);
  };
}

function logError(error: unknown, { stage, name }: ClientErrorInfo): void {
  console.error(`Trunkline client (${stage}${name === undefined ? "" : ` "${name}"`}):`, error);
}

/**
 * Checks options and fills in the defaults.
 *
 * @param options As the user gave them.
 * @throws {TypeError} When an address is not one.
 * @throws {RangeError} When a number is out of its range.
 */
export function resolveOptions(options: ClientOptions): Settings {
  const { offline = { queue: 100 }, livenessTimeoutMs } = options;
  return {
    addresses: new Addresses(options.url, options.random ?? Math.random),
    role: options.role,
    token: options.token,
    reconnect: resolveReconnect(options.reconnect),
    connectTimeoutMs: checkTimeout("connectTimeoutMs", options.connectTimeoutMs ?? 10_000),
    requestTimeoutMs: checkTimeout("requestTimeoutMs", options.requestTimeoutMs ?? 10_000),
    livenessTimeoutMs: livenessTimeoutMs === undefined
      ? undefined
      : checkTimeout("livenessTimeoutMs", livenessTimeoutMs),
    maxQueued: offline === "fail" ? undefined : checkCount("offline.queue", offline.queue),
    maxPendingRequests: checkCount("maxPendingRequests", options.maxPendingRequests ?? 1_000),
    maxBufferedBytes: checkCount("maxBufferedBytes", options.maxBufferedBytes ?? 16 * 1024 * 1024),
    report: toReport(options.onError ?? logError),
    codec: options.codec ?? jsonCodec,
    transport: options.transport ?? createWebSocketClientTransport(),
    lifecycle: options.lifecycle ?? pageLifecycle,
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  };
}
