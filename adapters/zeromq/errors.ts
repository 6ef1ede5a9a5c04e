/**
 * Turns failures between nodes into errors.
 *
 * @module
 */

import type { Failure, FailureKind } from "../kit/failure.ts";
import { LibraryError } from "../kit/library.ts";

/** The error of a failed connection attempt. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** How the adapter reacts. */
  readonly kind: FailureKind;

  /**
   * @param kind How the adapter reacts.
   * @param message The fault.
   * @param cause The error of the library, or the answer of the other side.
   */
  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/**
 * Turns the failure of a connection attempt into an error.
 *
 * @param cause The thrown error.
 * @param what The action that failed.
 */
export function judge(cause: unknown, what: string): Failure {
  if (cause instanceof LibraryError) return { kind: "refused", error: cause };
  const kind = cause instanceof ConnectError ? cause.kind : "unreachable";
  const why = cause instanceof Error ? cause.message : String(cause);
  return { kind, error: new Error(`${what}: ${why}`, { cause }) };
}
