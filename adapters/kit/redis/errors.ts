/**
 * What went wrong with Redis, in words that may be logged.
 *
 * @module
 */

/** Replies to a handshake that will be the same tomorrow. `ERR` ones are those of old versions. */
const REFUSING_REPLY =
  /\b(WRONGPASS|NOAUTH|NOPERM|NOPROTO|DENIED)\b|ERR invalid password|without any password configured|no password is set|unknown command|wrong number of arguments for 'auth'/i;

/** What the parsers of the client libraries say of data that is not Redis'. */
const NOT_REDIS = /Unknown RESP type|Protocol error, got/i;

/** Codes of failed TLS handshakes: OpenSSL's (Node, Bun), and words of rustls' (Deno). */
const TLS_CODE = /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_|HOSTNAME_MISMATCH)/;
const TLS_WORDS =
  /certificate|UnknownIssuer|corrupt message|InvalidContentType|wrong version number|tls.*(alert|handshake)|received fatal alert/i;

/** A reply of Redis begins with its code; what client libraries say of a connection does not. */
const REPLY = /^[A-Z][A-Z0-9]+ /;

/** Why Redis does not let a node in, in words. */
type Refusal = "credentials" | "protocol" | "tls";

const HINTS: Readonly<Record<Refusal, string>> = {
  credentials: "it refuses the credentials or the connection; check username, password and ACL",
  protocol: "what answers there is not Redis, or expects TLS; check the port, and redis:// or rediss://",
  tls: "the TLS handshake failed; check the certificate, and redis:// or rediss://",
};

/** An error that may be shown, and whether it is worth trying again soon. */
export interface RedisFailure {
  /** In words, with a cause; tells no secret. */
  readonly error: Error;
  /** Whether trying again without a change is of no use. */
  readonly refused: boolean;
}

/**
 * Puts a failed connection into words.
 *
 * @param cause What the client library said.
 * @param where Whom: `Redis at 127.0.0.1:6379`.
 * @param secrets What must not be told.
 * @returns The error, and whether Redis refuses.
 */
export function connectFailure(cause: unknown, where: string, secrets: readonly string[]): RedisFailure {
  const shown = showable(cause, secrets);
  const refusal = refusalOf(shown);
  const why = refusal ? `${HINTS[refusal]} (${shown.message})` : shown.message;
  return {
    error: new Error(`Cannot connect to ${where}: ${why}`, { cause: shown }),
    refused: refusal !== undefined,
  };
}

/**
 * A copy of an error that may be logged: client libraries attach the command that failed with its arguments, and `AUTH`
 * has the password among them.
 *
 * @param error What a client library said.
 * @param secrets What must not be told.
 * @returns Name, message and code of the error.
 */
export function showable(error: unknown, secrets: readonly string[]): Error {
  let message = error instanceof Error ? error.message : String(error);
  // Several addresses were tried: the error of all has no words of its own.
  if (message === "" && error instanceof AggregateError) {
    message = [
      ...new Set(error.errors.map((one: unknown) => one instanceof Error ? one.message : String(one))),
    ]
      .join("; ");
  }
  const code = (error as { code?: unknown } | null)?.code;
  if (message === "") message = typeof code === "string" ? code : "unknown error";
  for (const secret of secrets) if (secret !== "") message = message.replaceAll(secret, "***");
  return Object.assign(new Error(message), typeof code === "string" ? { code } : {});
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

/**
 * Tells what Redis says from what happens to a connection.
 *
 * @param error What a command failed with.
 * @returns Whether Redis answered, with a refusal.
 */
export function isReply(error: unknown): boolean {
  return error instanceof Error && REPLY.test(error.message);
}

function refusalOf(error: Error & { code?: string }): Refusal | undefined {
  if (REFUSING_REPLY.test(error.message)) return "credentials";
  if (NOT_REDIS.test(error.message)) return "protocol";
  if (TLS_CODE.test(error.code ?? "") || TLS_WORDS.test(error.message)) return "tls";
  return undefined;
}
