/**
 * What can go wrong between nodes, in words.
 *
 * @module
 */

import type { Failure, FailureKind } from "../kit/failure.ts";
import { LibraryError } from "../kit/library.ts";

/** A connection could not be made. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** What to do about it. */
  readonly kind: FailureKind;

  /**
   * @param kind What to do about it.
   * @param message What happened.
   * @param cause What the library or the other side said.
   */
  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/**
 * Puts what a connection could not be made for into words.
 *
 * @param cause What was thrown.
 * @param what What could not be done.
 */
export function judge(cause: unknown, what: string): Failure {
  if (cause instanceof LibraryError) return { kind: "refused", error: cause };
  const kind = cause instanceof ConnectError ? cause.kind : "unreachable";
  const why = cause instanceof Error ? cause.message : String(cause);
  return { kind, error: new Error(`${what}: ${why}`, { cause }) };
}
