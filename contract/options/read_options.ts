/**
 * The one reader of options. A table describes a bag of options, with one row for each option. The reader checks the
 * given options against the table, fills in the defaults and returns a complete bag:
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
 * The rules are the same everywhere. An option of `undefined` is absent. An unknown name is refused, and the error
 * suggests the name that was probably meant. A value of the wrong type is a `TypeError`; a number out of its range is
 * a `RangeError`. Both name the option by its path, and say what was given and what to give. No option is read before
 * all names are known.
 *
 * @module
 */

import { suggest } from "./suggest.ts";

/** Where a value is: the function that takes it (`createHub`), and its path (`limits.maxFrameBytes`). */
export interface Place {
  /** The function that takes the options. */
  readonly owner: string;
  /** The names that lead to the value, joined with dots; empty for the whole bag. */
  readonly path: string;
}

/**
 * Reads one option: checks the value and returns the value to use. A kind without {@linkcode or} or {@linkcode
 * optional} around it belongs to an option that must be given.
 *
 * @throws {TypeError} When the value is of another type.
 * @throws {RangeError} When it is a number out of range.
 */
export type Kind<T> = (value: unknown, place: Place) => T;

/** The table of a bag of options: one kind for each option. */
export type Rows<Options> = { readonly [K in keyof Options]-?: Kind<Options[K] | undefined> };

/** Any table. */
export type Table = Readonly<Record<string, Kind<unknown>>>;

/** The result of reading a table: every option, with the defaults filled in. */
export type Read<T extends Table> = { readonly [K in keyof T]: T[K] extends Kind<infer V> ? V : never };

function nameOf({ owner, path }: Place): string {
  return `${path || "the options"} of ${owner}`;
}

/**
 * The error about a value that cannot be used. It shows numbers, but never text, because text could be a secret.
 *
 * @param value The value that was given.
 * @param place Where the value is.
 * @param give What to give instead: `a whole number above 0`.
 * @param hidden Shows no number either.
 * @returns A `RangeError` if a number was expected and given, else a `TypeError`.
 */
export function wrong(value: unknown, place: Place, give: string, hidden = false): TypeError | RangeError {
  const type = typeof value;
  const shown = value === null || !hidden && (type === "number" || type === "boolean")
    ? value
    : `this ${Array.isArray(value) ? "list" : type}`;
  const use = value === undefined ? "do without" : `use ${shown} as`;
  const Wrong = type === "number" && give.includes("number") ? RangeError : TypeError;
  return new Wrong(`Cannot ${use} ${nameOf(place)}: give ${give}`);
}

/**
 * Makes the place of a value inside another one.
 *
 * @param place The outer one.
 * @param name The name inside.
 */
export function within({ owner, path }: Place, name: string): Place {
  return { owner, path: path ? `${path}.${name}` : name };
}

/** Whether a value is a plain object with names, and not a list, map, date, promise or the like. */
export function isBag(value: unknown): value is Readonly<Record<string, unknown>> {
  return Object.prototype.toString.call(value) === "[object Object]";
}

/** Whether an object is of no class. The plain objects of other realms have another `Object.prototype`. */
export function isPlain(value: object): boolean {
  const parent: unknown = Object.getPrototypeOf(value);
  return parent === null || Object.getPrototypeOf(parent) === null;
}

/** What to give in place of an object whose names are inherited, and so would be skipped. */
export const PLAIN =
  "a plain object, because what an object inherits, such as methods of a class, is not read";

/**
 * An option that is itself a bag of options. If it is absent, its own defaults apply.
 *
 * @param table What each of them may be.
 */
export function bag<T extends Table>(table: T): Kind<Read<T>> {
  return (given = {}, place) => {
    const names = Object.keys(table);
    if (!isBag(given)) throw wrong(given, place, `an object of options, ${suggest("", names)}`);
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
 * @param given The options that the user gave; `undefined` is a bag without options.
 * @param table What each option may be.
 * @returns Every option of the table, the defaults filled in.
 * @throws {TypeError} When it is not a bag, a name is unknown, or a value has the wrong type.
 * @throws {RangeError} When a number is out of its range.
 */
export function readOptions<T extends Table>(owner: string, given: unknown, table: T): Read<T> {
  return bag(table)(given, { owner, path: "" });
}

/**
 * An option with a default.
 *
 * @param kind What it may be.
 * @param fallback The value if the option is absent.
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
 * Checks that a value is a contract.
 *
 * @param owner The function that takes it.
 * @param contract The value that the user gave.
 * @throws {TypeError} When it is something else, such as a definition.
 */
export function checkContract(owner: string, contract: unknown): void {
  const roles = (contract as { readonly roles?: { readonly get?: unknown } } | null | undefined)?.roles;
  if (typeof roles?.get !== "function") {
    throw wrong(contract, { owner, path: "the contract" }, "what defineContract() returned");
  }
}
