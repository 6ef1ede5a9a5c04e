/**
 * The compiler checks handlers: its errors show the wrong or missing names, and what a handler must answer, but not
 * the whole contract. Types only.
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

/**
 * Appears in a compiler error when a handler answers what the contract does not allow. There is no value of this type.
 *
 * @typeParam Name The handler's name.
 * @typeParam Answer What the handler must answer.
 */
export interface MustAnswer<Name extends string, Answer> {
  /** The handler's name. */
  readonly handler: Name;
  /** What the handler must answer. */
  readonly mustAnswer: Answer;
}

/**
 * Appears in a compiler error when a handler takes something else than its input. There is no value of this type.
 *
 * @typeParam Name The handler's name.
 * @typeParam Input The input that the contract gives it.
 */
export interface MustTake<Name extends string, Input> {
  /** The handler's name. */
  readonly handler: Name;
  /** The input that the contract gives it. */
  readonly mustTake: Input;
}

/**
 * Appears in a compiler error when a handler is not a function. There is no value of this type.
 *
 * @typeParam Name The handler's name.
 */
export interface MustBeFunction<Name extends string> {
  /** The handler's name. */
  readonly mustBeFunction: Name;
}

/**
 * Handlers that are right, in a compiler error about another one.
 *
 * @typeParam Names Their names.
 */
export type Beside<Names extends string> = { readonly [N in Names]: unknown };

/** The right names of a table, so that the compiler points at the wrong ones. */
export type BesideThese<Names extends string> = [Names] extends [never] ? unknown : Beside<Names>;

/** Any value but `null` and `undefined`. */
export type Something = NonNullable<unknown>;

/**
 * The names of handlers with a wrong type. While the compiler does not know what was given, the types are those of
 * {@linkcode SomeHandlers}, and none is wrong.
 */
export type WrongHandlers<H, T> = Plain<
  & {
    [N in keyof H]: N extends keyof T
      ? H[N] extends T[N] ? never : Something | undefined extends H[N] ? never : N
      : never;
  }[keyof H]
  & string
>;

/**
 * What is wrong with a handler.
 *
 * @typeParam Name Its name.
 * @typeParam G The handler that was given.
 * @typeParam T The type that it must have.
 */
export type HandlerFault<Name extends string, G, T> = G extends (...args: never) => infer Given
  ? T extends (input: infer Input, ...rest: never) => infer Answer
    ? [Given] extends [Answer] ? MustTake<Name, Input> : MustAnswer<Name, Awaited<Answer>>
  : never
  : MustBeFunction<Name>;

/** The handlers, if each has its type. */
export type WithRightTypes<H, T, Wrong extends string = WrongHandlers<H, T>> = [Wrong] extends [never] ? H
  :
    & { [N in Wrong]: HandlerFault<N, H[N & keyof H], T[N & keyof T]> }[Wrong]
    & BesideThese<Exclude<keyof H & string, Wrong>>;

/** The handlers, with an error at each name that does not exist. */
export type WithoutOthers<H, T> = {
  readonly [N in keyof H]: N extends keyof T ? H[N]
    : NotOneOf<Plain<keyof T & string>> | Suggestion<N & string, keyof T & string>;
};

/**
 * Correct handlers: every required one with its type, and no other.
 *
 * @typeParam H The handlers that were given.
 * @typeParam T The handlers that are required.
 */
export type CheckedHandlers<H, T> = [H] extends [never] ? H // the compiler infers `H` from the argument here
  : [NamesBeside<H, T>] extends [never]
    ? [NamesBeside<T, H>] extends [never] ? WithRightTypes<H, T> : MissingHandler<NamesBeside<T, H>>
  : WithoutOthers<H, T>;

/** Correct handlers with their types, but not every one is required. */
export type CheckedSome<H, T> = [H] extends [never] ? H
  : [NamesBeside<H, T>] extends [never] ? WithRightTypes<H, T>
  : WithoutOthers<H, T>;

/** The roles whose handlers are not all there. A role with a wrong name among its handlers is not one of them. */
export type Incomplete<H, T> = Plain<
  & {
    [R in keyof H & keyof T]: [NamesBeside<NonNullable<H[R]>, T[R]>] extends [never]
      ? [NamesBeside<T[R], NonNullable<H[R]>>] extends [never] ? never : R
      : never;
  }[keyof H & keyof T]
  & string
>;

/** The missing handlers of some roles: `member.typing`. */
export type MissingOf<H, T, Roles extends string> = Plain<
  {
    [R in Roles]: `${R}.${NamesBeside<T[R & keyof T], NonNullable<H[R & keyof H]>>}`;
  }[Roles]
>;

/** What an error shows for roles that do not exist: the one that was meant, or the roles that exist. */
export type RoleFault<Wrong extends string, Names extends string> = [Suggestion<Wrong, Names>] extends [never]
  ? NotOneOf<Names>
  : Suggestion<Wrong, Names>;

/**
 * The names that editors complete while handlers are missing. Nothing has this type, and compiler errors do not show
 * it: they leave out what no object can be.
 */
export type NamesToComplete<T> =
  & string
  & {
    readonly [R in keyof T]?: { readonly [N in keyof T[R]]?: Something };
  };

/**
 * The same check for handlers grouped by role.
 *
 * @typeParam H The handlers that were given.
 * @typeParam T The handlers that are required.
 * @typeParam IsPart Whether another call gives the other handlers.
 */
export type CheckedSurfaces<H, T, IsPart extends boolean = false> = [H] extends [never] ? H
  : [NamesBeside<H, T>] extends [never]
    ? IsPart extends true ? { readonly [R in keyof H]: CheckedSome<NonNullable<H[R]>, T[R & keyof T]> }
    : [NamesBeside<T, H>] extends [never]
      ? [Incomplete<H, T>] extends [never]
        ? { readonly [R in keyof H]: CheckedHandlers<NonNullable<H[R]>, T[R & keyof T]> }
      :
        | (
          & MissingHandler<MissingOf<H, T, Incomplete<H, T>>>
          & BesideThese<Exclude<keyof H & string, Incomplete<H, T>>>
        )
        | NamesToComplete<T>
    : MissingHandler<NamesBeside<T, H>>
  :
    & RoleFault<NamesBeside<H, T>, Plain<keyof T & string>>
    & BesideThese<Plain<keyof H & keyof T & string>>;

/**
 * Some handlers. This type tells the compiler what each handler is given. It also accepts handlers with a wrong type
 * ({@linkcode Something}), and with `object` a value that has none of the names. Then the errors of
 * {@linkcode CheckedHandlers} say what is wrong.
 */
export type SomeHandlers<T> = { readonly [N in keyof T]?: T[N] | Something } & object;

/** Some of the handlers of each role. */
export type SomeSurfaces<T> = { readonly [R in keyof T]?: SomeHandlers<T[R]> } & object;
