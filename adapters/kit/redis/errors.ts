/**
 * What went wrong with Redis, in words that may be logged.
 *
 * @module
 */

import { type Failure, isTlsFailure, showable, systemWords } from "../failure.ts";
import { LibraryError } from "../library.ts";

/** Replies to a handshake that will be the same tomorrow. `ERR` ones are those of old versions. */
const REFUSING_REPLY =
  /\b(WRONGPASS|NOAUTH|NOPERM|NOPROTO|DENIED)\b|ERR invalid password|without any password configured|no password is set|unknown command|wrong number of arguments for 'auth'/i;

/** What the parsers of the client libraries say of data that is not Redis'. */
const NOT_REDIS = /Unknown RESP type|Protocol error, got/i;

/** A reply of Redis begins with its code; what client libraries say of a connection does not. */
const REPLY = /^[A-Z][A-Z0-9]+ /;

/** Why Redis does not let a node in, in words. */
type Refusal = "credentials" | "protocol" | "tls";

const HINTS: Readonly<Record<Refusal, string>> = {
  credentials: "it refuses the credentials or the connection; check username, password and ACL",
  protocol: "what answers there is not Redis, or expects TLS; check the port, and redis:// or rediss://",
  tls: "the TLS handshake failed; check the certificate, and redis:// or rediss://",
};

/**
 * Puts what a connection could not be made for into words.
 *
 * @param cause What the client library said.
 * @param where Whom: `Redis at 127.0.0.1:6379`.
 * @param secrets What must not be told.
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

/** What ioredis says of a reply that no command waits for: what a server says before it closes a connection. */
const UNASKED = /^Command queue state error.*Last reply: (?:\w*Error: )?(.+)$/s;

/**
 * What a server has said, where a client library wraps it into words of its own.
 *
 * @param error What the library said.
 */
export function saidBy(error: unknown): unknown {
  const [, reply] = UNASKED.exec(error instanceof Error ? error.message : "") ?? [];
  return reply === undefined ? error : new Error(reply, { cause: error });
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
  if (isTlsFailure(error)) return "tls";
  return undefined;
}
