/**
 * Transactions of clients that users have.
 *
 * @module
 */

/** A transaction of a client that the user has, as the client hands it over: also a client that has said `BEGIN`. */
export type PostgresTransaction =
  | { unsafe(statement: string, parameters: string[]): PromiseLike<unknown> }
  | { query(statement: string, parameters: string[]): PromiseLike<unknown> };

/** Asks the database within a transaction. */
export type AskWithin = (statement: string, parameters: readonly string[]) => PromiseLike<unknown>;

const HOW = "give the transaction itself: what begin() hands over, or the Client of pg that has said BEGIN";

/**
 * How to ask within a transaction.
 *
 * @param tx The transaction.
 * @throws {TypeError} If it is none. What is sent over a whole client, or a pool, is sent at once: a rollback would not take it back.
 */
export function askWithin(tx: PostgresTransaction): AskWithin {
  const { unsafe, query, begin, savepoint, release, totalCount } = Object(tx) as Record<string, unknown>;
  const whole = typeof begin === "function" && typeof savepoint !== "function" &&
    typeof release !== "function";
  if (whole || typeof totalCount === "number") {
    throw new TypeError(`Cannot publish within a client of PostgreSQL, as it would be sent at once: ${HOW}`);
  }
  if (typeof unsafe === "function") {
    return (statement, parameters) => unsafe.call(tx, statement, [...parameters]);
  }
  if (typeof query === "function") {
    return (statement, parameters) => query.call(tx, statement, [...parameters]);
  }
  throw new TypeError(`Cannot publish within what is no transaction of PostgreSQL: ${HOW}`);
}

/** Whether a client has answered with no row at all. */
export function isNoRow(answer: unknown): boolean {
  const { rows = answer } = Object(answer) as { readonly rows?: unknown };
  return Array.isArray(rows) && rows.length === 0;
}

/**
 * The one value that was asked for within a transaction.
 *
 * @param answer What the client has given: rows, or an object that has them.
 * @param column The name of the value.
 * @param form What it must look like.
 * @throws {TypeError} If it does not: it was no client of PostgreSQL that has answered.
 */
export function onlyAnswer(answer: unknown, column: string, form: RegExp): string {
  const { rows = answer } = Object(answer) as { readonly rows?: unknown };
  const value = String(Object(Object(rows)[0])[column]);
  if (form.test(value)) return value;
  throw new TypeError(
    `Cannot tell what became of a message: what was given as tx does not answer as a client of PostgreSQL does; ${HOW}`,
  );
}
