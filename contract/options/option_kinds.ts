/**
 * What an option may be: the kinds that tables of {@linkcode readOptions} are made of.
 *
 * @module
 */

import { MAX_TIMER_MS } from "../clock.ts";
import { isBag, type Kind, type Place, within, wrong } from "./read_options.ts";

/** The range of a number. */
export interface NumberRange {
  /** The least. */
  readonly min?: number;
  /** The greatest; where it is `Infinity`, `Infinity` may be given. */
  readonly max?: number;
}

function rangeText(min: number, max: number): string {
  if (max === Infinity) return `from ${min} up, or Infinity`;
  return max === Number.MAX_SAFE_INTEGER ? `from ${min} up` : `from ${min} to ${max}`;
}

/**
 * A whole number: of bytes, messages, connections, attempts.
 *
 * @param range From 1 up, unless it says otherwise.
 */
export function count({ min = 1, max = Number.MAX_SAFE_INTEGER }: NumberRange = {}): Kind<number> {
  return (value, place) => {
    const fits = Number.isInteger(value) || value === Infinity;
    if (fits && (value as number) >= min && (value as number) <= max) return value as number;
    throw wrong(value, place, `a whole number ${rangeText(min, max)}`);
  };
}

/**
 * A number that may be a fraction: a factor, a rate.
 *
 * @param range It has both ends.
 */
export function ratio({ min, max }: Required<NumberRange>): Kind<number> {
  return (value, place) => {
    if (typeof value === "number" && value >= min && value <= max) return value;
    throw wrong(value, place, `a number ${rangeText(min, max)}`);
  };
}

/**
 * A time in milliseconds. A fraction, as calculations give, is rounded up to whole milliseconds: what crosses the wire
 * or waits in a timer is a whole number.
 *
 * @param range From 1 to what every platform's timers can wait, unless it says otherwise. `max: Infinity` is for times
 * that no timer waits for.
 */
export function ms({ min = 1, max = MAX_TIMER_MS }: NumberRange = {}): Kind<number> {
  return (value, place) => {
    if (typeof value === "number" && value >= 0) {
      const whole = Math.ceil(value);
      if (whole >= min && whole <= max) return whole;
    }
    throw wrong(value, place, `a number of milliseconds ${rangeText(min, max)}`);
  };
}

/** `true` or `false`. */
export const flag: Kind<boolean> = (value, place) => {
  if (typeof value === "boolean") return value;
  throw wrong(value, place, "true or false");
};

/** A text with at least one character. */
export const text: Kind<string> = (value, place) => {
  if (typeof value === "string" && value !== "") return value;
  throw wrong(value, place, "a text that is not empty");
};

/** A text that no error may show: a password, a token. */
export const secret: Kind<string> = (value, place) => {
  if (typeof value === "string") return value;
  throw wrong(value, place, "a text", true);
};

/**
 * One of some texts.
 *
 * @param values Those that may be given.
 */
export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  return (value, place) => {
    if (values.includes(value as T)) return value as T;
    throw wrong(value, place, values.map((known) => `"${known}"`).join(" or "));
  };
}

/**
 * A function.
 *
 * @typeParam F Its type, which cannot be checked.
 */
// deno-lint-ignore ban-types -- any function: what it takes and gives is the table's business
export function callback<F extends Function>(): Kind<F> {
  return (value, place) => {
    if (typeof value === "function") return value as F;
    throw wrong(value, place, "a function");
  };
}

/**
 * An object that is used by its methods: an adapter, a clock, a connection.
 *
 * @param what What it is, for errors: `an adapter, as createRedisAdapter() makes`.
 * @param methods The methods that it must have.
 * @typeParam T Its type.
 */
export function having<T extends object>(what: string, ...methods: readonly (keyof T & string)[]): Kind<T> {
  return (value, place) => {
    const known = typeof value === "object" && value !== null || typeof value === "function";
    if (known && methods.every((name) => typeof (value as T)[name] === "function")) return value as T;
    throw wrong(value, place, what);
  };
}

/**
 * A list.
 *
 * @param kind What each of its items may be.
 * @param range How many: any number, unless it says otherwise.
 */
export function list<T>(kind: Kind<T>, { min = 0 }: NumberRange = {}): Kind<readonly T[]> {
  return (value, place) => {
    if (!Array.isArray(value)) throw wrong(value, place, "a list");
    if (value.length < min) throw wrong(value, place, `a list of at least ${min}`);
    return Array.from(value, (item, at) => kind(item, inside(place, at)));
  };
}

function inside({ owner, path }: Place, at: number): Place {
  return { owner, path: `${path}[${at}]` };
}

/**
 * A table by names that are not known here: rules by topic pattern, headers.
 *
 * @param kind What each of its values may be; a value of `undefined` is absent.
 */
export function byName<T>(kind: Kind<T>): Kind<Readonly<Record<string, T>>> {
  return (value, place) => {
    if (!isBag(value)) throw wrong(value, place, "an object");
    const read: Record<string, T> = Object.create(null);
    for (const [name, item] of Object.entries(value)) {
      if (item !== undefined) read[name] = kind(item, within(place, name));
    }
    return read;
  };
}

/** A signal that gives up. */
export const abortSignal: Kind<AbortSignal> = having(
  "an AbortSignal",
  "addEventListener",
  "throwIfAborted",
);
