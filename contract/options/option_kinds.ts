/**
 * The kinds of options that the tables of {@linkcode readOptions} are made of.
 *
 * @module
 */

import { type Clock, MAX_TIMER_MS } from "../clock.ts";
import { hasLoneSurrogate } from "../values/text.ts";
import type { Codec } from "../codec.ts";
import {
  isBag,
  isPlain,
  type Kind,
  optional,
  type Place,
  PLAIN,
  type Rows,
  within,
  wrong,
} from "./read_options.ts";
import type { CallOptions } from "../pending_calls.ts";

/** The range of a number. */
export interface NumberRange {
  /** The smallest value. */
  readonly min?: number;
  /** The largest value. If it is `Infinity`, the option may be `Infinity`. */
  readonly max?: number;
}

/**
 * A value that passes a test.
 *
 * @param give What to give, for errors: `true or false`.
 * @param fits The test.
 */
function passing<T>(give: string, fits: (value: unknown) => boolean): Kind<T> {
  return (value, place) => {
    if (fits(value)) return value as T;
    throw wrong(value, place, give);
  };
}

function number(
  what: string,
  { min = 1, max = Number.MAX_SAFE_INTEGER }: NumberRange,
  fits: (value: number) => boolean = () => true,
): Kind<number> {
  return passing(
    `${what} from ${min} to ${max}`,
    (value) => typeof value === "number" && value >= min && value <= max && fits(value),
  );
}

/**
 * A whole number: of bytes, messages, connections, attempts.
 *
 * @param range From 1 up, unless this says otherwise.
 */
export function count(range: NumberRange = {}): Kind<number> {
  return number("a whole number", range, (value) => !(value % 1)); // Infinity passes: its remainder is NaN
}

/**
 * A number that may be a fraction: a factor, a rate.
 *
 * @param range Both ends are required.
 */
export function ratio(range: Required<NumberRange>): Kind<number> {
  return number("a number", range);
}

/**
 * A time in milliseconds, for a timer. It may be a fraction, because it may be a calculated value.
 *
 * @param range From 1 to the longest delay of every platform's timers, unless this says otherwise. Use `max:
 * Infinity` for times that no timer waits for.
 */
export function ms(range: NumberRange = {}): Kind<number> {
  return number("a number of milliseconds", { max: MAX_TIMER_MS, ...range });
}

/**
 * A time in milliseconds that crosses the wire. Only whole numbers can, so a fraction is rounded up.
 *
 * @param range As in {@linkcode ms}.
 */
export function wholeMs(range?: NumberRange): Kind<number> {
  const kind = ms(range);
  return (value, place) => Math.ceil(kind(value, place));
}

/** `true` or `false`. */
export const flag: Kind<boolean> = /* @__PURE__ */ passing(
  "true or false",
  (value) => typeof value === "boolean",
);

/** A text with at least one character. */
export const text: Kind<string> = /* @__PURE__ */ passing(
  "a text that is not empty",
  (value) => typeof value === "string" && value !== "",
);

/** The longest id that an application may give, in UTF-16 units. */
export const MAX_ID_LENGTH = 256;

/** An id that the application gives to a message or request. The same id again means the same message or request. */
export const ownId: Kind<string> = (value, place) => {
  const id = text(value, place);
  if (id.length <= MAX_ID_LENGTH && !hasLoneSurrogate(id)) return id;
  throw wrong(
    id,
    place,
    `a text of ${MAX_ID_LENGTH} UTF-16 units at the most, without half a surrogate pair`,
  );
};

/** A text that errors never show, such as a password or a token. Errors do not show a wrong value for it either. */
export const secret = (value: unknown, place: Place, give = "a text"): string => {
  if (typeof value === "string") return value;
  throw wrong(value, place, give, true);
};

/**
 * One text out of a list.
 *
 * @param values The texts that may be given.
 */
export function oneOf<const T extends string>(...values: readonly T[]): Kind<T> {
  return passing(values.map((known) => `"${known}"`).join(" or "), (value) => values.includes(value as T));
}

/**
 * A function.
 *
 * @typeParam F Its type, which cannot be checked.
 */
// deno-lint-ignore ban-types -- any function: the table gives its type
export function callback<F extends Function>(): Kind<F> {
  return passing("a function", (value) => typeof value === "function");
}

/**
 * An object that is used by its methods: an adapter, a clock, a connection.
 *
 * @param what Its description, for errors: `an adapter, as createRedisAdapter() makes`.
 * @param methods The methods that it must have.
 * @typeParam T Its type.
 */
export function having<T extends object>(what: string, ...methods: readonly (keyof T & string)[]): Kind<T> {
  return passing(
    what,
    (value) => Object(value) === value && methods.every((name) => typeof (value as T)[name] === "function"),
  );
}

/**
 * A list.
 *
 * @param kind What each of its items may be.
 * @param range How many items: any number, unless this says otherwise.
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
 * A table whose names are not known here: rules by topic pattern. It takes only the object's own names. So it refuses an
 * object that has others from its class: a rule that is not read would leave its topic open.
 *
 * @param kind What each of its values may be. A value of `undefined` counts as absent.
 */
export function byName<T>(kind: Kind<T>): Kind<Readonly<Record<string, T>>> {
  return (value, place) => {
    if (!isBag(value)) throw wrong(value, place, "a plain object");
    if (!isPlain(value)) throw wrong(value, place, PLAIN);
    const read: Record<string, T> = Object.create(null);
    for (const [name, item] of Object.entries(value)) {
      if (item !== undefined) read[name] = kind(item, within(place, name));
    }
    return read;
  };
}

/** A signal that aborts a wait. */
export const abortSignal: Kind<AbortSignal> = /* @__PURE__ */ having(
  "an AbortSignal",
  "addEventListener",
);

/** A source of time. */
export const clock: Kind<Clock> = /* @__PURE__ */ having(
  "a clock, like systemClock",
  "now",
  "after",
  "endOfTurn",
);

/** A codec. */
export const codec: Kind<Codec> = /* @__PURE__ */ having(
  "a codec, like jsonCodec",
  "encode",
  "join",
  "decode",
);

/** The options of a call. */
export const CALL = {
  timeoutMs: optional(ms()),
  signal: optional(abortSignal),
} satisfies Rows<CallOptions>;
