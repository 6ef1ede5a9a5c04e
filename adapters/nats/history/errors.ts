/**
 * What becomes of a request to JetStream that is not answered as it should be.
 *
 * @module
 */

import { HubError } from "../../../contract/errors.ts";
import { systemWords } from "../../kit/failure.ts";

/** Codes of JetStream's errors (`err_code`), as its documentation lists them. */
export const CODES = {
  fewPeers: 10005,
  notEnabled: 10076,
  notEnabledForAccount: 10039,
  noMessage: 10037,
  streamNotFound: 10059,
  streamNameInUse: 10058,
  subjectsOverlap: 10065,
  wrongLastSequence: 10071,
} as const;

/** JetStream has certainly not done it: it was not sent, nobody took it, or the server says no. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** The server's code, where it said one; 503 where nobody listens. */
  readonly code: number | undefined;

  /**
   * @param message Why.
   * @param code The server's code.
   * @param options The cause.
   */
  constructor(message: string, code?: number, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Nobody knows whether JetStream has done it: it was sent, and there is no answer. */
export class UnansweredError extends Error {
  override readonly name = "UnansweredError";
}

/** The code of a {@linkcode RefusedError} where nobody listens: no JetStream, no such stream, or no leader of it now. */
export const NOBODY = 503;

/** Whether it says that there is no stream of that name, or that nobody serves it now. */
export function isGone(error: unknown): boolean {
  return error instanceof RefusedError && (error.code === NOBODY || error.code === CODES.streamNotFound);
}

/**
 * The error for whoever appends or reads.
 *
 * @param what What could not be done: `Cannot append to "news" in NATS`.
 * @param cause Why.
 * @param certain The code for what was certainly not done; reads have no other.
 */
export function storeError(what: string, cause: unknown): HubError {
  if (cause instanceof HubError) return cause;
  const why = cause instanceof Error
    ? systemWords((cause as { code?: unknown }).code) ?? cause.message
    : String(cause);
  const code = cause instanceof UnansweredError ? "UNCERTAIN" : "UNAVAILABLE";
  return new HubError(code, `${what}: ${why}`, { cause });
}
