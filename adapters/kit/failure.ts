/**
 * Failures of an engine: what to do next, and an error that may be logged.
 *
 * @module
 */

/**
 * - `"unreachable"`: there is no connection, or it broke. The adapter retries soon, and reports it once in an outage.
 * - `"answered"`: the engine answered, but cannot or will not let the node in now: it is loading, or has too many
 *   clients. The adapter retries soon, and reports each reason once.
 * - `"refused"`: the engine refuses, and will refuse again: a wrong password, another protocol. It rejects a pending
 *   `open`. Later, the adapter reports it, and retries after a longer pause.
 * - `"final"`: a retry cannot help: a client that the user gave is closed. The adapter reports it, and does not retry.
 */
export type FailureKind = "unreachable" | "answered" | "refused" | "final";

/** A failure and its error. */
export interface Failure {
  readonly kind: FailureKind;
  /** The error, with a cause; it contains no secret. */
  readonly error: Error;
}

/**
 * Copies an error, so that it may be logged. Client libraries attach the failed command with its arguments, and the
 * login command contains the password.
 *
 * @param error The error of a client library.
 * @param secrets Texts that must not appear.
 * @returns An error with the same message and code.
 */
export function showable(error: unknown, secrets: readonly string[]): Error {
  let message = error instanceof Error ? error.message : String(error);
  // Several addresses were tried: the error for all of them has no message of its own.
  if (message === "" && error instanceof AggregateError) {
    const words = error.errors.map((one: unknown) => one instanceof Error ? one.message : String(one));
    message = [...new Set(words)].join("; ");
  }
  const code = (error as { code?: unknown } | null)?.code;
  if (message === "") message = typeof code === "string" ? code : "unknown error";
  for (const secret of secrets) if (secret !== "") message = message.replaceAll(secret, "***");
  return Object.assign(new Error(message), typeof code === "string" ? { code } : {});
}

const AWAY = "no program listens there; check the address, or start it";

/** Messages for system codes whose own messages do not say what to do. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: AWAY,
  CONNECTION_REFUSED: AWAY, // some libraries use this code
  ENOENT: AWAY, // for a Unix socket
  ENOTFOUND: "there is no host with this name; check the address",
};

/**
 * Explains an error of the system.
 *
 * @param code Its code: `"ECONNREFUSED"`.
 * @returns An explanation, if the system's own message does not say what to do.
 */
export function systemWords(code: unknown): string | undefined {
  return typeof code === "string" ? SYSTEM_WORDS[code] : undefined;
}

/** Codes of failed TLS handshakes: OpenSSL's (Node, Bun), and messages of rustls (Deno). */
const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/;
const TLS_WORDS =
  /certificate|UnknownIssuer|corrupt message|InvalidContentType|wrong version number|tls.*(alert|handshake)|received fatal alert/i;

/**
 * Whether a connection failed at its TLS handshake.
 *
 * @param error The error.
 */
export function isTlsFailure(error: Error & { readonly code?: string }): boolean {
  return TLS_CODE.test(error.code ?? "") || TLS_WORDS.test(error.message);
}

/**
 * Makes an error that says what failed, and why.
 *
 * @param what What failed.
 * @param cause The error of a client library, if there is one.
 * @param secrets Texts that must not appear.
 * @returns The error; it may be logged.
 */
export function explained(what: string, cause: unknown, secrets: readonly string[]): Error {
  if (cause === undefined) return new Error(what);
  const shown = showable(cause, secrets);
  return new Error(`${what}: ${shown.message}`, { cause: shown });
}
