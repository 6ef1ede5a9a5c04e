/**
 * What can go wrong between the adapter and a server, in words.
 *
 * @module
 */

import { type FailureKind, systemWords } from "../kit/failure.ts";
import { ForeignServerError, ServerError } from "./preflight.ts";

/**
 * Codes of errors that time may mend: of the system, and of `nats` 2. Whatever else ends an attempt to connect is the
 * server's last word: a wrong password, a certificate that nobody trusts.
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

/** What a server says that will say the same next time. */
const FOR_GOOD = /authorization violation|authentication (expired|revoked)/i;

/** A connection could not be made. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** What to do about it. */
  readonly kind: FailureKind;

  /**
   * @param kind What to do about it.
   * @param message What happened.
   * @param cause What the library said.
   */
  constructor(kind: FailureKind, message: string, cause: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/**
 * Makes an error of a failed attempt to connect.
 *
 * @param address The server.
 * @param cause What happened.
 */
export function connectError(address: string, cause: unknown): ConnectError {
  const kind = !isTransient(cause) ? "refused" : cause instanceof ServerError ? "answered" : "unreachable";
  return new ConnectError(kind, `Cannot connect to NATS at ${address}: ${describe(cause)}`, cause);
}

/**
 * What happened, in words.
 *
 * @param cause What was thrown.
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

/** Our own, and those of libraries that only say that it did not work. */
function isPlain(cause: unknown): boolean {
  return cause === undefined || (cause instanceof Error && cause.name === "Error");
}

function codeOf(cause: unknown): string | undefined {
  const code = (cause as { code?: unknown } | undefined)?.code;
  return typeof code === "string" ? code : undefined;
}
