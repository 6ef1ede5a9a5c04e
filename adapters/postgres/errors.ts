/**
 * Turns failures of PostgreSQL into errors that are safe to log.
 *
 * @module
 */

import { type Failure, type FailureKind, showable, systemWords } from "../kit/failure.ts";
import { LibraryError } from "../kit/library.ts";

/** A failure that the adapter itself finds, before a client library takes part. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** How the adapter reacts. */
  readonly kind: FailureKind;

  /**
   * @param kind How the adapter reacts.
   * @param message The fault, and the setting to change.
   * @param cause The original error, if there is one.
   */
  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** Codes of the server (SQLSTATE) for faults that a retry does not solve. */
const REFUSALS: readonly (readonly [code: RegExp, hint: string])[] = [
  [/^28/, "it refuses the credentials; check user, password, TLS and the server's pg_hba.conf"],
  [/^3D000$/, "there is no such database; check the URL's path, or the option database"],
  [/^42501$/, "the user lacks a privilege; grant it CONNECT on the database"],
  [/^(08P01|0A000)$/, "it does not speak our version of the protocol; is there a pooler in between?"],
];

/** Codes of a server that shuts down. These are not refusals. */
const GOING = /^57P0[12]$/;

/**
 * Distinguishes an error of the server from a lost connection.
 *
 * @param error The error of a statement.
 * @returns Whether the server answered with an error.
 */
export function isReply(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code) && !GOING.test(code);
}

/**
 * Turns the failure of a connection attempt into an error.
 *
 * @param cause The error of the client library.
 * @param where The server: `PostgreSQL at 127.0.0.1:5432/chat`.
 * @param secrets Texts that the error must not contain.
 */
export function postgresFailure(cause: unknown, where: string, secrets: readonly string[]): Failure {
  if (cause instanceof LibraryError) return { kind: "refused", error: cause };
  const shown = showable(cause, secrets);
  const code = codeOf(cause);
  const hint = isReply(cause) ? REFUSALS.find(([pattern]) => pattern.test(code!))?.[1] : undefined;
  const words = systemWords(code) ?? shown.message;
  if (isNotAllowed(cause)) {
    const what =
      `Cannot connect to ${where}: this process lacks the permission (${shown.message}); allow it network and environment access`;
    return { kind: "refused", error: new Error(what, { cause: shown }) };
  }
  const kind = cause instanceof ConnectError
    ? cause.kind
    : hint
    ? "refused"
    : isReply(cause)
    ? "answered"
    : "unreachable";
  const why = hint ? `${hint} (it says: ${words})` : words;
  return { kind, error: new Error(`Cannot connect to ${where}: ${why}`, { cause: shown }) };
}

/** Whether the runtime has refused, as Deno does without permissions. */
function isNotAllowed(error: unknown): boolean {
  return error instanceof Error && /^(NotCapable|PermissionDenied)$/.test(error.name);
}

/**
 * The code of an error: the server's (SQLSTATE), or the system's.
 *
 * @param error The error of a statement.
 */
export function codeOf(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as { code?: unknown; errno?: unknown };
  // Bun has the server's code in another field.
  const said = code === "ERR_POSTGRES_SERVER_ERROR" ? errno : code;
  return typeof said === "string" ? said : undefined;
}
