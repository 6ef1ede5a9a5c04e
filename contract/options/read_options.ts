/**
 * The one reader of options. A bag of options is described by a table with one row for each option; the reader checks
 * what the user gave against it, fills in the defaults and gives back a complete bag:
 *
 * ```ts ignore
 * const PROBE = {
 *   timeoutMs: or(ms(), 1_000),
 *   signal: optional(abortSignal),
 * } satisfies Rows<ProbeOptions>; // an option without a row, or a row without an option, does not compile
 *
 * const { timeoutMs, signal } = readOptions("probe", given, PROBE);
 * ```
 *
 * The rules are the same everywhere. An option of `undefined` is absent. An unknown name is refused, with the name
 * that was probably meant. A value of the wrong type is a `TypeError`, a number out of its range a `RangeError`; both
 * name the option by its path, say what was given and what to give. No option is read before all names are known.
 *
 * @module
 */

import { suggest } from "./suggest.ts";

/** Where a value stands: whose option it is (`createHub`), and its path (`limits.maxFrameBytes`). */
export interface Place {
  /** The function that takes the options. */
  readonly owner: string;
  /** The names that lead to the value, with dots between them; empty for the whole bag. */
  readonly path: string;
}

/**
 * Reads one option: checks the value and gives back what to use. A kind that is not wrapped in {@linkcode or} or
 * {@linkcode optional} belongs to an option that must be given.
 *
 * @throws {TypeError} When the value is of another type.
 * @throws {RangeError} When it is a number out of range.
 */
export type Kind<T> = (value: unknown, place: Place) => T;

/** The table of a bag of options: one kind for each option. */
export type Rows<Options> = { readonly [K in keyof Options]-?: Kind<Options[K] | undefined> };

/** Any table. */
export type Table = Readonly<Record<string, Kind<unknown>>>;

/** What comes out of a table: every option, the defaults filled in. */
export type Read<T extends Table> = { readonly [K in keyof T]: T[K] extends Kind<infer V> ? V : never };

function nameOf({ owner, path }: Place): string {
  return `${path || "the options"} of ${owner}`;
}

/**
 * The error about a value that cannot be used. It shows numbers, but no text: that could be a secret.
 *
 * @param value What was given.
 * @param place Where.
 * @param give What to give instead: `a whole number above 0`.
 * @returns A `RangeError` if a number was wanted and given, else a `TypeError`.
 */
export function wrong(value: unknown, place: Place, give: string): TypeError | RangeError {
  const type = typeof value;
  const shown = value === null || type === "number" || type === "boolean" ? value : `this ${type}`;
  const use = value === undefined ? "do without" : `use ${shown} as`;
  const Wrong = type === "number" && give.includes("number") ? RangeError : TypeError;
  return new Wrong(`Cannot ${use} ${nameOf(place)}: give ${give}`);
}

/**
 * Makes the place of something inside another one.
 *
 * @param place The outer one.
 * @param name The name inside.
 */
export function within({ owner, path }: Place, name: string): Place {
  return { owner, path: path ? `${path}.${name}` : name };
}

/** Whether a value is a bag of names: an object, but no list, map, date, promise or the like. */
export function isBag(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === "[object Object]";
}

/**
 * An option that is a bag of options itself; absent, its own defaults apply.
 *
 * @param table What each of them may be.
 */
export function bag<T extends Table>(table: T): Kind<Read<T>> {
  return (given = {}, place) => {
    if (!isBag(given)) throw wrong(given, place, "an object of options");
    const names = Object.keys(table);
    const unknown = Object.keys(given).find((name) => !names.includes(name));
    if (unknown !== undefined) {
      const hint = suggest(unknown, names);
      throw new TypeError(`Cannot use ${nameOf(within(place, unknown))}: there is no such option, ${hint}`);
    }
    const read = names.map((name) => [name, table[name]!(given[name], within(place, name))]);
    return Object.fromEntries(read) as Read<T>;
  };
}

/**
 * Reads a bag of options.
 *
 * @param owner The function that takes them, for errors: `createHub`.
 * @param given What the user gave; `undefined` is a bag without options.
 * @param table What each option may be.
 * @returns Every option of the table, the defaults filled in.
 * @throws {TypeError} When it is no bag, a name is unknown, or a value of the wrong type.
 * @throws {RangeError} When a number is out of its range.
 */
export function readOptions<T extends Table>(owner: string, given: unknown, table: T): Read<T> {
  return bag(table)(given, { owner, path: "" });
}

/**
 * An option with a default.
 *
 * @param kind What it may be.
 * @param fallback What it is where it is absent.
 */
export function or<T>(kind: Kind<T>, fallback: T): Kind<T> {
  return (value, place) => value === undefined ? fallback : kind(value, place);
}

/**
 * An option that may be absent.
 *
 * @param kind What it may be.
 */
export function optional<T>(kind: Kind<T>): Kind<T | undefined> {
  return or<T | undefined>(kind, undefined);
}

/**
 * Checks that a contract is one.
 *
 * @param owner The function that takes it.
 * @param contract What the user gave.
 * @throws {TypeError} When it is something else, like a definition.
 */
export function checkContract(owner: string, contract: unknown): void {
  const roles = (contract as { readonly roles?: { readonly get?: unknown } } | null | undefined)?.roles;
  if (typeof roles?.get !== "function") {
    throw wrong(contract, { owner, path: "the contract" }, "what defineContract() returned");
  }
}
