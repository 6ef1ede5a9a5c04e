/**
 * What can go wrong between nodes, in words.
 *
 * @module
 */

import type { FailureKind } from "../kit/failure.ts";

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
