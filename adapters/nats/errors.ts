/**
 * Errors between the adapter and a server, and their texts.
 *
 * @module
 */

import { type FailureKind, systemWords } from "../kit/failure.ts";
import { ForeignServerError, ServerError } from "./preflight.ts";

/**
 * Codes of errors that may go away with time: of the system, and of `nats` 2. Other errors of an attempt to connect are
 * final answers of the server: a wrong password, an untrusted certificate.
 */
const TRANSIENT = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "EHOSTDOWN",
  "ENETUNREACH",
  "ENETDOWN",
  "ENOTFOUND",
  "EAI_AGAIN",
  "CONNECTION_REFUSED",
  "CONNECTION_CLOSED",
  "CONNECTION_TIMEOUT",
  "DISCONNECT",
  "TIMEOUT",
  "AUTHENTICATION_TIMEOUT",
]);

/** Messages of a server that a retry does not change. */
const FOR_GOOD = /authorization violation|authentication (expired|revoked)/i;

/** A connection could not be made. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** What to do about it. */
  readonly kind: FailureKind;

  /**
   * @param kind What to do about it.
   * @param message What happened.
   * @param cause The error of the library.
   */
  constructor(kind: FailureKind, message: string, cause: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/**
 * Makes the error for a failed attempt to connect.
 *
 * @param address The server.
 * @param cause The error.
 */
export function connectError(address: string, cause: unknown): ConnectError {
  const kind = !isTransient(cause) ? "refused" : cause instanceof ServerError ? "answered" : "unreachable";
  return new ConnectError(kind, `Cannot connect to NATS at ${address}: ${describe(cause)}`, cause);
}

/**
 * Explains an error in words.
 *
 * @param cause The error.
 */
export function describe(cause: unknown): string {
  if (cause instanceof ServerError && FOR_GOOD.test(cause.message)) {
    return `it refuses our credentials: check user and password, token, nkey or creds (it says ${cause.message})`;
  }
  const code = codeOf(cause);
  const words = code === "TIMEOUT" ? "it does not answer" : systemWords(code);
  if (words !== undefined) return words;
  if (cause instanceof Error && cause.message !== "") return cause.message;
  return cause === undefined ? "it closed the connection" : String(cause);
}

function isTransient(cause: unknown): boolean {
  if (cause instanceof ForeignServerError) return false;
  if (cause instanceof ServerError) return !FOR_GOOD.test(cause.message);
  const code = codeOf(cause);
  return code === undefined ? isPlain(cause) : TRANSIENT.has(code);
}

/** Errors of this adapter, and errors of libraries without a code. */
function isPlain(cause: unknown): boolean {
  return cause === undefined || (cause instanceof Error && cause.name === "Error");
}

function codeOf(cause: unknown): string | undefined {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
