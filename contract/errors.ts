/**
 * The one error class of Trunkline, its codes, and what the ranges of WebSocket close codes mean.
 *
 * @module
 */

import { toWellFormed } from "./values/text.ts";

/**
 * The codes that Trunkline itself uses; a contract's handlers may throw codes of their own beside them.
 *
 * Where something is to be kept or done, `UNAVAILABLE` says that it certainly was not, and `UNCERTAIN` that it may have
 * been: the link broke or time ran out after it was sent. Try again with the same id: it is kept or done once.
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

/** What may accompany a {@linkcode HubError}. */
export interface HubErrorOptions {
  /** Details for the other side; must be JSON. Never put a secret here: it crosses the wire. */
  readonly data?: unknown;
  /** What caused it; stays in this process and never crosses the wire. */
  readonly cause?: unknown;
}

/**
 * An error with a code that crosses the wire.
 *
 * Thrown by a handler, it reaches the caller with its `code`, `message` and `data`. Any other error that a handler
 * throws reaches the caller as `INTERNAL` without its message, and the hub's `onError` in full.
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
  /** One of {@linkcode ERROR_CODES}, or a code of the application's own. */
  readonly code: ErrorCode | (string & Record<never, never>);
  /** Details that cross the wire, if any. */
  readonly data: unknown;

  /**
   * Makes an error.
   *
   * @param code One of {@linkcode ERROR_CODES}, or a code of the application's own.
   * @param message What happened, to what, and what to do. It crosses the wire: no secrets.
   * @param options Details and cause.
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
 * Whether a value that was thrown is a {@linkcode HubError} that can be told to the other side. Never throws, unlike
 * `instanceof`, which asks a proxy.
 *
 * @param error What was thrown: anything.
 */
export function isHubError(error: unknown): error is HubError {
  return wireOf(error) !== undefined;
}

/** What of an error may leave the process. Each part is read once: an application may make getters of them. */
function wireOf(error: unknown): WireError | undefined {
  try {
    if (!(error instanceof HubError)) return undefined;
    const { code, message, data } = error;
    // What is no text throws here; what is, the other side must be able to read.
    const wire = { code: toWellFormed(code), message: toWellFormed(message) };
    return data === undefined ? wire : { ...wire, data };
  } catch {
    return undefined; // it throws when somebody looks at it
  }
}

/**
 * The form in which an error may leave the process: a {@linkcode HubError} as it is, anything else as `INTERNAL`
 * without a word of its own. Never throws.
 *
 * @param error What was thrown.
 */
export function toWireError(error: unknown): WireError {
  return wireOf(error) ?? INTERNAL;
}

/**
 * The error in the form in which it is thrown.
 *
 * @param error An error as it came over the wire, or one that is thrown as it is.
 */
export function fromWireError(error: WireError): HubError {
  return isHubError(error) ? error : new HubError(error.code, error.message, { data: error.data });
}

const INTERNAL: WireError = { code: "INTERNAL", message: "Internal error" };

/**
 * Whether a client that sees this close code may reconnect by itself.
 *
 * @param code A WebSocket close code; those below 4000 are the platform's and all may be retried.
 */
export function mayReconnect(code: number): boolean {
  return code < 4500 || code > 4999;
}
