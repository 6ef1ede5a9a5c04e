/**
 * What can go wrong between the adapter and a server, in words.
 *
 * @module
 */

import { type FailureKind, isTlsFailure, showable, systemWords } from "../kit/failure.ts";
import { LibraryError } from "../kit/library.ts";

/** What answers does not speak AMQP 0-9-1. */
export class ForeignServerError extends Error {
  override readonly name = "ForeignServerError";

  constructor() {
    super("it does not speak AMQP 0-9-1: check host and port, and whether it wants TLS");
  }
}

/** The server says no to a message. */
export class NackError extends Error {
  override readonly name = "NackError";
}

/** A connection could not be made. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** What to do about it. */
  readonly kind: FailureKind;

  /**
   * @param kind What to do about it.
   * @param message What happened.
   * @param cause What the library said; tells no secret.
   */
  constructor(kind: FailureKind, message: string, cause: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** Codes of errors of the system that time may mend. Others are of certificates. */
const TRANSIENT =
  /^(E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN|NOTFOUND|AI_AGAIN|ADDRNOTAVAIL|MFILE|NFILE)|ERR_STREAM_\w+|ERR_SOCKET_CLOSED)$/;

/** What a server says at the end of its words: its code. */
const CODE = /\((\d{3})\)$/;
/** Access refused, precondition failed, not allowed: it will say so again. */
const FOR_GOOD = new Set(["403", "406", "530"]);
/** Somebody else may leave. */
const CROWDED = /limit/i;

/**
 * Makes an error of a failed attempt to connect.
 *
 * @param address The server.
 * @param cause What happened.
 * @param secrets What must not be told.
 */
export function connectError(address: string, cause: unknown, secrets: readonly string[]): ConnectError {
  if (cause instanceof LibraryError) return new ConnectError("refused", cause.message, cause);
  const words = describe(cause, secrets);
  return new ConnectError(
    kindOf(cause),
    `Cannot connect to RabbitMQ at ${address}: ${words}`,
    showable(cause, secrets),
  );
}

/** What to do about a failure. */
export function kindOf(cause: unknown): FailureKind {
  if (cause instanceof ConnectError) return cause.kind;
  if (cause instanceof LibraryError || cause instanceof ForeignServerError) return "refused";
  if (cause instanceof NackError) return "answered";
  const { message = "", code } = (cause ?? {}) as { readonly message?: string; readonly code?: unknown };
  const said = CODE.exec(message)?.[1];
  if (said !== undefined) return FOR_GOOD.has(said) && !CROWDED.test(message) ? "refused" : "answered";
  return typeof code === "string" && !TRANSIENT.test(code) ? "refused" : "unreachable";
}

/** What happened, in words. */
function describe(cause: unknown, secrets: readonly string[]): string {
  const shown: Error & { readonly code?: string } = showable(cause, secrets);
  const { message } = shown;
  const words = systemWords(shown.code);
  if (words !== undefined) return words;
  const said = CODE.exec(message)?.[1];
  if (said === "403" && /login was refused/i.test(message)) {
    return "it refuses our credentials: check username and password. RabbitMQ takes the user guest from its own machine only " +
      `(it says ${message})`;
  }
  if (said === "403") {
    return `it does not permit that: grant configure, write and read on what starts with the prefix (it says ${message})`;
  }
  if (said === "530") return `it does not let this user in: check vhost and permissions (it says ${message})`;
  if (isTlsFailure(shown)) {
    return `the TLS handshake failed; check the certificate, the port, and amqp:// or amqps:// (${message})`;
  }
  return message;
}
