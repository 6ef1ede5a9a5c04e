/**
 * Errors of requests to JetStream.
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

/** JetStream has certainly not done it: it was not sent, no server took it, or the server refused it. */
export class RefusedError extends Error {
  override readonly name = "RefusedError";
  /** The server's code, if it gave one; 503 if no server listens. */
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

/** The stream or the server does not have the right form. A retry does not change that. */
export class UnfitError extends RefusedError {}

/** It is unknown whether JetStream has done it: it was sent, and there is no answer. */
export class UnansweredError extends Error {
  override readonly name = "UnansweredError";
}

/**
 * The code of a {@linkcode RefusedError} if no server listens. JetStream or the stream is missing, or the stream has no
 * leader now.
 */
export const NOBODY = 503;

/** Whether the error means that the stream is missing, or that no server serves it now. */
export function isGone(error: unknown): boolean {
  return error instanceof RefusedError && (error.code === NOBODY || error.code === CODES.streamNotFound);
}

/**
 * Makes the error for the caller of `append` or `read`.
 *
 * @param what What failed: `Cannot append to "news" in NATS`.
 * @param cause Why.
 */
export function storeError(what: string, cause: unknown): HubError {
  if (cause instanceof HubError) return cause;
  const why = cause instanceof Error
    ? systemWords((cause as { code?: unknown }).code) ?? cause.message
    : String(cause);
  const code = cause instanceof UnansweredError ? "UNCERTAIN" : "UNAVAILABLE";
  return new HubError(code, `${what}: ${why}`, { cause });
}
