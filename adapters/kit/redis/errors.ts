/**
 * Explains failures of Redis, in texts that may be logged.
 *
 * @module
 */

import { type Failure, isTlsFailure, showable, systemWords } from "../failure.ts";
import { LibraryError } from "../library.ts";

/** Replies to a handshake that a retry does not change. Old versions of Redis send them with the code `ERR`. */
const REFUSING_REPLY =
  /\b(WRONGPASS|NOAUTH|NOPERM|NOPROTO|DENIED)\b|ERR invalid password|without any password configured|no password is set|unknown command|wrong number of arguments for 'auth'/i;

/** Errors of the client libraries' parsers for data that does not come from Redis. */
const NOT_REDIS = /Unknown RESP type|Protocol error, got/i;

/** A reply of Redis begins with its code. Errors of client libraries about a connection do not. */
const REPLY = /^[A-Z][A-Z0-9]+ /;

/** Why Redis refuses a node. */
type Refusal = "credentials" | "protocol" | "tls";

const HINTS: Readonly<Record<Refusal, string>> = {
  credentials: "it refuses the credentials or the connection; check username, password and ACL",
  protocol: "the server there is not Redis, or expects TLS; check the port, and redis:// or rediss://",
  tls: "the TLS handshake failed; check the certificate, and redis:// or rediss://",
};

/**
 * Explains why a connection could not be made.
 *
 * @param cause The error of the client library.
 * @param where The server: `Redis at 127.0.0.1:6379`.
 * @param secrets Texts that must not appear.
 */
export function redisFailure(cause: unknown, where: string, secrets: readonly string[]): Failure {
  if (cause instanceof LibraryError) return { kind: "refused", error: cause };
  const shown: Error & { readonly code?: string } = showable(saidBy(cause), secrets);
  const refusal = refusalOf(shown);
  const why = refusal ? `${HINTS[refusal]} (${shown.message})` : systemWords(shown.code) ?? shown.message;
  return {
    error: new Error(`Cannot connect to ${where}: ${why}`, { cause: shown }),
    kind: refusal ? "refused" : isReply(shown) ? "answered" : "unreachable",
  };
}

/** ioredis' error for a reply without a command: a server sends one before it closes a connection. */
const UNASKED = /^Command queue state error.*Last reply: (?:\w*Error: )?(.+)$/s;

/**
 * Finds the server's error inside the error of a client library.
 *
 * @param error The library's error.
 */
export function saidBy(error: unknown): unknown {
  const [, reply] = UNASKED.exec(error instanceof Error ? error.message : "") ?? [];
  return reply === undefined ? error : new Error(reply, { cause: error });
}

/**
 * Distinguishes a reply of Redis from an error of the connection.
 *
 * @param error The error of a command.
 * @returns Whether Redis answered with a refusal.
 */
export function isReply(error: unknown): boolean {
  return error instanceof Error && REPLY.test(error.message);
}

function refusalOf(error: Error & { code?: string }): Refusal | undefined {
  if (REFUSING_REPLY.test(error.message)) return "credentials";
  if (NOT_REDIS.test(error.message)) return "protocol";
  if (isTlsFailure(error)) return "tls";
  return undefined;
}
