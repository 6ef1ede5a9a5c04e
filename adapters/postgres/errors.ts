/**
 * What went wrong with PostgreSQL, in words that may be logged.
 *
 * @module
 */

import { type Failure, type FailureKind, showable, systemWords } from "../kit/failure.ts";
import { LibraryError } from "../kit/library.ts";

/** Something that this adapter finds out itself before a client library speaks. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** What to do about it. */
  readonly kind: FailureKind;

  /**
   * @param kind What to do about it.
   * @param message What happened, and what to set.
   * @param cause What was said, if anything.
   */
  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** What the server says by its codes (SQLSTATE) that will be the same tomorrow. */
const REFUSALS: readonly (readonly [code: RegExp, hint: string])[] = [
  [/^28/, "it refuses the credentials; check user, password, TLS and the server's pg_hba.conf"],
  [/^3D000$/, "there is no such database; check the URL's path, or the option database"],
  [/^42501$/, "the user lacks a privilege; grant it CONNECT on the database"],
  [/^(08P01|0A000)$/, "it does not speak our version of the protocol; is there a pooler in between?"],
];

/** Codes that say that the server is on its way down: nobody refused anything. */
const GOING = /^57P0[12]$/;

/**
 * Tells what the server says from what happens to a connection.
 *
 * @param error What a command failed with.
 * @returns Whether the server answered, with a refusal.
 */
export function isReply(error: unknown): boolean {
  const code = codeOf(error);
  return code !== undefined && /^[0-9A-Z]{5}$/.test(code) && /\d/.test(code) && !GOING.test(code);
}

/**
 * Puts what a connection could not be made for into words.
 *
 * @param cause What the client library said.
 * @param where Whom: `PostgreSQL at 127.0.0.1:5432/chat`.
 * @param secrets What must not be told.
 */
export function postgresFailure(cause: unknown, where: string, secrets: readonly string[]): Failure {
  if (cause instanceof LibraryError) return { kind: "refused", error: cause };
  const shown = showable(cause, secrets);
  const code = codeOf(cause);
  const hint = isReply(cause) ? REFUSALS.find(([pattern]) => pattern.test(code!))?.[1] : undefined;
  const words = systemWords(code) ?? shown.message;
  if (isNotAllowed(cause)) {
    const what =
      `Cannot connect to ${where}: this process may not (${shown.message}); allow it the network and the environment`;
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
 * @param error What a command failed with.
 */
export function codeOf(error: unknown): string | undefined {
  const { code, errno } = (error ?? {}) as { code?: unknown; errno?: unknown };
  // Bun has the server's code in another place.
  const said = code === "ERR_POSTGRES_SERVER_ERROR" ? errno : code;
  return typeof said === "string" ? said : undefined;
}
