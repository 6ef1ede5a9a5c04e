/**
 * Turns failures between the adapter and a server into errors.
 *
 * @module
 */

import { type FailureKind, isTlsFailure, showable, systemWords } from "../kit/failure.ts";
import { LibraryError } from "../kit/library.ts";

/** The server does not speak AMQP 0-9-1. */
export class ForeignServerError extends Error {
  override readonly name = "ForeignServerError";

  constructor() {
    super("it does not speak AMQP 0-9-1: check host and port, and whether it wants TLS");
  }
}

/** The server has refused a message. */
export class NackError extends Error {
  override readonly name = "NackError";
}

/** The error of a failed connection attempt. */
export class ConnectError extends Error {
  override readonly name = "ConnectError";
  /** How the adapter reacts. */
  readonly kind: FailureKind;

  /**
   * @param kind How the adapter reacts.
   * @param message The fault.
   * @param cause The error of the library, without secrets.
   */
  constructor(kind: FailureKind, message: string, cause: unknown) {
    super(message, { cause });
    this.kind = kind;
  }
}

/** Codes of system errors that a retry may solve. Other codes are about certificates. */
const TRANSIENT =
  /^(E(CONNREFUSED|CONNRESET|CONNABORTED|PIPE|TIMEDOUT|HOSTUNREACH|HOSTDOWN|NETUNREACH|NETDOWN|NOTFOUND|AI_AGAIN|ADDRNOTAVAIL|MFILE|NFILE)|ERR_STREAM_\w+|ERR_SOCKET_CLOSED)$/;

/** The code at the end of the server's message. */
const CODE = /\((\d{3})\)$/;
/** Access refused, precondition failed, not allowed: a retry does not help. */
const FOR_GOOD = new Set(["403", "406", "530"]);
/** A limit is reached: a retry helps when another client leaves. */
const CROWDED = /limit/i;

/**
 * Creates the error of a failed connection attempt.
 *
 * @param address The server.
 * @param cause The original error.
 * @param secrets Texts that the error must not contain.
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

/** How the adapter reacts to a failure. */
export function kindOf(cause: unknown): FailureKind {
  if (cause instanceof ConnectError) return cause.kind;
  if (cause instanceof LibraryError || cause instanceof ForeignServerError) return "refused";
  if (cause instanceof NackError) return "answered";
  const { message = "", code } = (cause ?? {}) as { readonly message?: string; readonly code?: unknown };
  const said = CODE.exec(message)?.[1];
  if (said !== undefined) return FOR_GOOD.has(said) && !CROWDED.test(message) ? "refused" : "answered";
  return typeof code === "string" && !TRANSIENT.test(code) ? "refused" : "unreachable";
}

/** Describes a failure. */
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
    return `it does not permit that: grant configure, write and read on the exchange and queues of the prefix (it says ${message})`;
  }
  if (said === "530") return `it refuses this user: check vhost and permissions (it says ${message})`;
  if (isTlsFailure(shown)) {
    return `the TLS handshake failed; check the certificate, the port, and amqp:// or amqps:// (${message})`;
  }
  return message;
}
