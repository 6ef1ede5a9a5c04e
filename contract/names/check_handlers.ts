/**
 * The compiler checks the names of handlers: its errors show the wrong or missing names, and not the whole contract.
 * Types only.
 *
 * @module
 */

import type { Plain, Suggestion } from "./did_you_mean.ts";

/**
 * Appears in a compiler error when a name does not exist. There is no value of this type.
 *
 * @typeParam Names The names that exist.
 */
export interface NotOneOf<Names extends string> {
  /** The names that exist. */
  readonly notOneOf: Names;
}

/**
 * Appears in a compiler error when handlers are missing. There is no value of this type.
 *
 * @typeParam Name The names of the missing handlers.
 */
export type MissingHandler<Name extends string> = { readonly [N in Name]: never };

/** Names of one set that are not in another. */
export type NamesBeside<A, B> = Plain<Exclude<keyof A, keyof B> & string>;

/** The handlers, with an error at each name that does not exist. */
export type WithoutOthers<H, T> = {
  readonly [N in keyof H]: N extends keyof T ? H[N]
    : NotOneOf<Plain<keyof T & string>> | Suggestion<N & string, keyof T & string>;
};

/**
 * Correct handlers: every required one, and no other.
 *
 * @typeParam H The handlers that were given. If one of them has the wrong type, the handlers that may be given: all
 * optional.
 * @typeParam T The handlers that are required.
 */
export type CheckedHandlers<H, T> = [H] extends [never] ? H // the compiler infers `H` from the argument here
  : [NamesBeside<H, T>] extends [never]
    ? [NamesBeside<T, H>] extends [never] ? H : MissingHandler<NamesBeside<T, H>>
  : WithoutOthers<H, T>;

/** Correct handlers, but not every one is required. */
export type CheckedSome<H, T> = [H] extends [never] ? H
  : [NamesBeside<H, T>] extends [never] ? H
  : WithoutOthers<H, T>;

/**
 * The same check for handlers grouped by role.
 *
 * @typeParam H The handlers that were given.
 * @typeParam T The handlers that are required.
 * @typeParam IsPart Whether another call gives the other handlers.
 */
export type CheckedSurfaces<H, T, IsPart extends boolean = false> = [H] extends [never] ? H
  : IsPart extends true
    ? [NamesBeside<H, T>] extends [never]
      ? { readonly [R in keyof H]: CheckedSome<NonNullable<H[R]>, T[R & keyof T]> }
    : WithoutOthers<H, T>
  : [NamesBeside<H, T> | NamesBeside<T, H>] extends [never]
    ? { readonly [R in keyof H]: CheckedHandlers<NonNullable<H[R]>, T[R & keyof T]> }
  : CheckedHandlers<H, T>;

/**
 * Some handlers. This type tells the compiler what each handler is given. With `object` it also accepts a value that
 * has none of the names.
 */
export type SomeHandlers<T> = Partial<T> & object;

/** Some of the handlers of each role. */
export type SomeSurfaces<T> = SomeHandlers<{ readonly [R in keyof T]: SomeHandlers<T[R]> }>;

/**
 * Checks the names of other tables, such as rules: an error at each name that does not exist.
 *
 * @typeParam A The table that was given.
 * @typeParam Names The names that exist.
 */
export type KnownNames<A, Names extends string> = {
  readonly [N in keyof A]: N extends Names ? unknown : NotOneOf<Names> | Suggestion<N & string, Names>;
};
