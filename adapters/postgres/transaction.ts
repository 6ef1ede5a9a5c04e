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

/** Marks a transaction for as long as it lasts, or the savepoint in it. */
const MARK = "SELECT set_config('trunkline.within', $1, true) AS mark";
/** The mark that a transaction has. */
const MARKED = "coalesce(current_setting('trunkline.within', true), '')";

/**
 * Marks a transaction, so that what is asked next can be bound to it: a client may send that when the transaction has ended, where
 * it would be done at once and for good.
 *
 * @param ask Asks within the transaction.
 * @returns The mark, for {@linkcode inMarked} and {@linkcode isMarked}.
 */
export async function markIn(ask: AskWithin): Promise<string> {
  const mark = crypto.randomUUID();
  return onlyAnswer(await ask(MARK, [mark]), "mark", new RegExp(`^${mark}$`));
}

/** The condition of a statement that it is in the marked transaction; the parameter is the mark. */
export const inMarked = (parameter: `$${number}`): string => `${MARKED} = ${parameter}`;

/** Whether what is asked is still in the transaction that was marked. */
export async function isMarked(ask: AskWithin, mark: string): Promise<boolean> {
  const answer = await ask(`SELECT (${inMarked("$1")})::text AS marked`, [mark]);
  return onlyAnswer(answer, "marked", /^(true|false)$/) === "true";
}

/** What to say where the transaction is over. */
export const ended = (): TypeError =>
  new TypeError(
    "Cannot publish within this transaction: it has ended, or never began. Await the publish before the transaction ends; " +
      "a Client of pg must have said BEGIN",
  );

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
