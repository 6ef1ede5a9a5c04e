/**
 * The one error class of Trunkline, its codes, and the ranges of WebSocket close codes.
 *
 * @module
 */

import { toWellFormed } from "./values/text.ts";

/**
 * The codes that Trunkline itself uses. Handlers may throw other codes too.
 *
 * When a call stores or does something, `UNAVAILABLE` means that it certainly did not happen. `UNCERTAIN` means that
 * it may have happened: the link broke, or time ran out, after the call was sent. Retry with the same id: then it
 * happens only once.
 */
export const ERROR_CODES = [
  "BAD_REQUEST",
  "UNAUTHENTICATED",
  "FORBIDDEN",
  "NOT_FOUND",
  "VALIDATION",
  "TIMEOUT",
  "DISCONNECTED",
  "RATE_LIMITED",
  "TOO_LARGE",
  "UNAVAILABLE",
  "UNCERTAIN",
  "INTERNAL",
] as const;

/** One of Trunkline's own error codes. */
export type ErrorCode = (typeof ERROR_CODES)[number];

/** Options of a {@linkcode HubError}. */
export interface HubErrorOptions {
  /** Details for the other side. They must be JSON. Never put a secret here: the data crosses the wire. */
  readonly data?: unknown;
  /** The error that caused this one. It stays in this process and never crosses the wire. */
  readonly cause?: unknown;
}

/**
 * An error with a code that crosses the wire.
 *
 * If a handler throws it, the caller gets its `code`, `message` and `data`. For any other error that a handler
 * throws, the caller gets `INTERNAL` without the message, and the hub's `onError` gets the whole error. So it is also
 * with a `HubError` that a method of the hub threw into the handler, for example because of a wrong payload.
 *
 * @example
 * ```ts
 * import { HubError } from "@trunkline/hub";
 * import { assertEquals } from "@std/assert";
 *
 * const error = new HubError("ROOM_FULL", "Cannot join room/1: it holds 50 people", { data: { limit: 50 } });
 * assertEquals(error.code, "ROOM_FULL");
 * assertEquals(error.data, { limit: 50 });
 * ```
 */
export class HubError extends Error {
  /** One of {@linkcode ERROR_CODES}, or a code of your application. */
  readonly code: ErrorCode | (string & Record<never, never>);
  /** Details that cross the wire, if any. */
  readonly data: unknown;

  /**
   * Makes an error.
   *
   * @param code One of {@linkcode ERROR_CODES}, or a code of your application.
   * @param message What happened, to what, and what to do. It crosses the wire: no secrets.
   * @param options Details and the cause.
   */
  constructor(
    code: ErrorCode | (string & Record<never, never>),
    message: string = code,
    options: HubErrorOptions = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "HubError";
    this.code = code;
    this.data = options.data;
  }
}

/** An error as it crosses the wire. */
export interface WireError {
  /** See {@linkcode HubError.code}. */
  readonly code: string;
  /** What happened. */
  readonly message: string;
  /** Details, if any. */
  readonly data?: unknown;
}

/**
 * Whether a thrown value is a {@linkcode HubError} that can be sent to the other side. It never throws. (`instanceof`
 * may throw if the value is a proxy.)
 *
 * @param error The thrown value: anything.
 */
export function isHubError(error: unknown): error is HubError {
  return wireOf(error) !== undefined;
}

/**
 * The part of an error that may leave the process. Each property is read once, because the application may define it
 * as a getter.
 */
function wireOf(error: unknown): WireError | undefined {
  try {
    if (!(error instanceof HubError)) return undefined;
    const { code, message, data } = error;
    // A value that is not text throws here. Text must be readable on the other side.
    const wire = { code: toWellFormed(code), message: toWellFormed(message) };
    return data === undefined ? wire : { ...wire, data };
  } catch {
    return undefined; // reading the error threw
  }
}

/**
 * The form in which an error may leave the process. A {@linkcode HubError} keeps its code, message and data. Any
 * other error becomes `INTERNAL` without its own message. It never throws.
 *
 * @param error The thrown value.
 * @param message What the other side is told instead of the error's own message.
 */
export function toWireError(error: unknown, message = "Internal error"): WireError {
  return wireOf(error) ?? { code: "INTERNAL", message };
}

/**
 * Makes an error that can be thrown.
 *
 * @param error An error that came over the wire, or a {@linkcode HubError}, which is given back as it is.
 */
export function fromWireError(error: WireError): HubError {
  return isHubError(error) ? error : new HubError(error.code, error.message, { data: error.data });
}

/**
 * Whether a client that gets this close code may reconnect by itself.
 *
 * @param code A WebSocket close code. Codes below 4000 belong to the platform, and all of them may be retried.
 */
export function mayReconnect(code: number): boolean {
  return code < 4500 || code > 4999;
}
