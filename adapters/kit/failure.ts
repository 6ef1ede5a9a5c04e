/**
 * What went wrong with an engine, as far as it decides what to do next, and in words that may be logged.
 *
 * @module
 */

/**
 * - `"unreachable"`: there is no connection, or it broke. Tried again soon; told once in an outage.
 * - `"answered"`: the engine answered, and cannot or will not now: it is loading, it has too many clients. Tried again
 *   soon; told once for each reason.
 * - `"refused"`: the engine says no, and will say so again: a wrong password, another protocol. Ends an `open` that
 *   waits; later it is told, and tried again after a longer pause.
 * - `"final"`: nothing will ever mend it: a client that was given is closed. Told, and never tried again.
 */
export type FailureKind = "unreachable" | "answered" | "refused" | "final";

/** A failure, in words. */
export interface Failure {
  readonly kind: FailureKind;
  /** In words, with a cause; tells no secret. */
  readonly error: Error;
}

/**
 * A copy of an error that may be logged: client libraries attach the command that failed with its arguments, and the one
 * that logs in has the password among them.
 *
 * @param error What a client library said.
 * @param secrets What must not be told.
 * @returns Message and code of the error.
 */
export function showable(error: unknown, secrets: readonly string[]): Error {
  let message = error instanceof Error ? error.message : String(error);
  // Several addresses were tried: the error of all has no words of its own.
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

/** The words for codes of the system whose own words do not say what to do. */
const SYSTEM_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: AWAY,
  CONNECTION_REFUSED: AWAY, // so it is called by some libraries
  ENOENT: AWAY, // of a Unix socket
  ENOTFOUND: "there is no host of that name; check the address",
};

/**
 * What an error of the system means.
 *
 * @param code Its code: `"ECONNREFUSED"`.
 * @returns Words for it, if its own do not say what to do.
 */
export function systemWords(code: unknown): string | undefined {
  return typeof code === "string" ? SYSTEM_WORDS[code] : undefined;
}

/** Codes of failed TLS handshakes: OpenSSL's (Node, Bun), and words of rustls' (Deno). */
const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/;
const TLS_WORDS =
  /certificate|UnknownIssuer|corrupt message|InvalidContentType|wrong version number|tls.*(alert|handshake)|received fatal alert/i;

/**
 * Whether a connection failed at its TLS handshake.
 *
 * @param error What was said.
 */
export function isTlsFailure(error: Error & { readonly code?: string }): boolean {
  return TLS_CODE.test(error.code ?? "") || TLS_WORDS.test(error.message);
}

/**
 * An error that says what could not be done, and why.
 *
 * @param what What could not be done.
 * @param cause What a client library said, if anything.
 * @param secrets What must not be told.
 * @returns The error; it may be logged.
 */
export function explained(what: string, cause: unknown, secrets: readonly string[]): Error {
  if (cause === undefined) return new Error(what);
  const shown = showable(cause, secrets);
  return new Error(`${what}: ${shown.message}`, { cause: shown });
}
