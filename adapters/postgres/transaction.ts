/**
 * Transactions of the user's clients.
 *
 * @module
 */

/** A transaction of the user's client, as the client passes it to the callback. Or a client after its `BEGIN`. */
export type PostgresTransaction =
  | { unsafe(statement: string, parameters: string[]): PromiseLike<unknown> }
  | { query(statement: string, parameters: string[]): PromiseLike<unknown> };

/** Runs a statement within a transaction. */
export type AskWithin = (statement: string, parameters: readonly string[]) => PromiseLike<unknown>;

const HOW =
  "give the transaction itself: the argument of begin()'s callback, or a Client of pg after its BEGIN";

/**
 * Returns a function that runs statements within a transaction.
 *
 * @param tx The transaction.
 * @throws {TypeError} If it is not a transaction. A whole client or a pool would send at once, and a rollback could not
 * undo that.
 */
export function askWithin(tx: PostgresTransaction): AskWithin {
  const { unsafe, query, begin, savepoint, release, totalCount } = Object(tx) as Record<string, unknown>;
  const whole = typeof begin === "function" && typeof savepoint !== "function" &&
    typeof release !== "function";
  if (whole || typeof totalCount === "number") {
    throw new TypeError(
      `Cannot publish within a whole client of PostgreSQL, because the client would send it at once: ${HOW}`,
    );
  }
  if (typeof unsafe === "function") {
    return (statement, parameters) => unsafe.call(tx, statement, [...parameters]);
  }
  if (typeof query === "function") {
    return (statement, parameters) => query.call(tx, statement, [...parameters]);
  }
  throw new TypeError(`Cannot publish within this value, which is not a transaction of PostgreSQL: ${HOW}`);
}

/** Marks a transaction until its end, or until the end of the savepoint in it. */
const MARK = "SELECT set_config('trunkline.within', $1, true) AS mark";
/** The mark of the current transaction. */
const MARKED = "coalesce(current_setting('trunkline.within', true), '')";

/**
 * Marks a transaction, so that the next statement can be bound to it. A client may send that statement after the
 * transaction has ended. Without the mark the database would then run it at once, and a rollback could not undo it.
 *
 * @param ask Runs a statement within the transaction.
 * @returns The mark, for {@linkcode inMarked} and {@linkcode isMarked}.
 */
export async function markIn(ask: AskWithin): Promise<string> {
  const mark = crypto.randomUUID();
  return onlyAnswer(await ask(MARK, [mark]), "mark", new RegExp(`^${mark}$`));
}

/** The condition that a statement runs in the marked transaction. The parameter is the mark. */
export const inMarked = (parameter: `$${number}`): string => `${MARKED} = ${parameter}`;

/** Whether statements still run in the marked transaction. */
export async function isMarked(ask: AskWithin, mark: string): Promise<boolean> {
  const answer = await ask(`SELECT (${inMarked("$1")})::text AS marked`, [mark]);
  return onlyAnswer(answer, "marked", /^(true|false)$/) === "true";
}

/** The error for a transaction that has ended. */
export const ended = (): TypeError =>
  new TypeError(
    "Cannot publish within this transaction: it has ended, or never began. Await the publish before the transaction ends; " +
      "a Client of pg must have sent BEGIN",
  );

/** Whether the result has no row. */
export function isNoRow(answer: unknown): boolean {
  const { rows = answer } = Object(answer) as { readonly rows?: unknown };
  return Array.isArray(rows) && rows.length === 0;
}

/**
 * Reads the one value of a result within a transaction.
 *
 * @param answer The result of the client: rows, or an object with rows.
 * @param column The name of the value.
 * @param form The pattern that the value must match.
 * @throws {TypeError} If the value does not match: the answer is not from a client of PostgreSQL.
 */
export function onlyAnswer(answer: unknown, column: string, form: RegExp): string {
  const { rows = answer } = Object(answer) as { readonly rows?: unknown };
  const value = String(Object(Object(rows)[0])[column]);
  if (form.test(value)) return value;
  throw new TypeError(
    `Cannot tell whether a message was published: tx does not answer like a client of PostgreSQL; ${HOW}`,
  );
}
