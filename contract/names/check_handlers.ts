/**
 * Handlers whose names the compiler checks: its errors name those that are wrong or missing, and not the contract. Types only.
 *
 * @module
 */

import type { Plain, Suggestion } from "./did_you_mean.ts";

/**
 * Stands in the compiler's error for a name that is not one of those that exist. There is no value of this type.
 *
 * @typeParam Names The names that exist.
 */
export interface NotOneOf<Names extends string> {
  /** The names that exist. */
  readonly notOneOf: Names;
}

/**
 * Stands in the compiler's error for handlers that are missing. There is no value of this type.
 *
 * @typeParam Name The names of those that are missing.
 */
export type MissingHandler<Name extends string> = { readonly [N in Name]: never };

/** Names of one set that are not in another. */
export type NamesBeside<A, B> = Plain<Exclude<keyof A, keyof B> & string>;

/** Handlers with an error at each whose name does not exist. */
export type WithoutOthers<H, T> = {
  readonly [N in keyof H]: N extends keyof T ? H[N]
    : NotOneOf<Plain<keyof T & string>> | Suggestion<N & string, keyof T & string>;
};

/**
 * Handlers that are right: all that there have to be, and no other.
 *
 * @typeParam H What was given. Where a handler itself is wrong, what may be given: all optional.
 * @typeParam T What there has to be.
 */
export type CheckedHandlers<H, T> = [H] extends [never] ? H // tells the compiler that `H` is what was given
  : [NamesBeside<H, T>] extends [never]
    ? [NamesBeside<T, H>] extends [never] ? H : MissingHandler<NamesBeside<T, H>>
  : WithoutOthers<H, T>;

/** Handlers that are right, though they need not be all. */
export type CheckedSome<H, T> = [H] extends [never] ? H
  : [NamesBeside<H, T>] extends [never] ? H
  : WithoutOthers<H, T>;

/**
 * The same for handlers by role.
 *
 * @typeParam H What was given.
 * @typeParam T What there has to be.
 * @typeParam IsPart Whether others give the rest.
 */
export type CheckedSurfaces<H, T, IsPart extends boolean = false> = [H] extends [never] ? H
  : IsPart extends true
    ? [NamesBeside<H, T>] extends [never]
      ? { readonly [R in keyof H]: CheckedSome<NonNullable<H[R]>, T[R & keyof T]> }
    : WithoutOthers<H, T>
  : [NamesBeside<H, T> | NamesBeside<T, H>] extends [never]
    ? { readonly [R in keyof H]: CheckedHandlers<NonNullable<H[R]>, T[R & keyof T]> }
  : CheckedHandlers<H, T>;

/** Some handlers: they tell the compiler what each is given. With `object` it also takes what has none of the names. */
export type SomeHandlers<T> = Partial<T> & object;

/** Some of the handlers of each role. */
export type SomeSurfaces<T> = SomeHandlers<{ readonly [R in keyof T]: SomeHandlers<T[R]> }>;

/**
 * Something else by name, such as rules: an error at each whose name does not exist.
 *
 * @typeParam A What was given.
 * @typeParam Names The names that exist.
 */
export type KnownNames<A, Names extends string> = {
  readonly [N in keyof A]: N extends Names ? unknown : NotOneOf<Names> | Suggestion<N & string, Names>;
};
