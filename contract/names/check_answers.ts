/**
 * The compiler checks rules: functions by name, whose answers must have a type. Its errors show the wrong name, or the
 * name of the rule and what it must answer, but not the whole contract. Types only.
 *
 * A rule stands in a parameter's type as `(rule & Guard) | Fault`. While the compiler works out what the rule is given,
 * it does not know the answer: then the guard is `unknown`, and there is no fault. When the answer is known and wrong,
 * the guard is `never`, and only the fault is left for the error.
 *
 * @module
 */

import type { BesideThese, MustAnswer, NotOneOf } from "./check_handlers.ts";
import type { Plain, Suggestion } from "./did_you_mean.ts";

/** `unknown` if there is no wrong name, else `never`. */
export type Guard<Wrong> = [Wrong] extends [never] ? unknown : never;

/** `unknown` for a name that exists, else `never`. */
export type NameGuard<N, Names extends string> = N extends Names ? unknown : never;

/** What an error shows at a name that does not exist: the names that exist, and the one that was meant. */
export type NameFault<N, Names extends string> = N extends Names ? never
  : NotOneOf<Names> | Suggestion<N & string, Names>;

/**
 * The names of rules that answer something else. While the compiler does not know an answer, it is `unknown`.
 *
 * @typeParam A The answers, by name.
 * @typeParam Rights What they must be, by name.
 */
export type WrongAnswers<A, Rights> = Plain<
  & {
    [N in keyof A]-?: N extends keyof Rights
      ? unknown extends A[N] ? never : [Required<A>[N]] extends [Rights[N]] ? never : N
      : never;
  }[keyof A]
  & string
>;

/** What an error shows for a table with wrong answers; `never` if there are none. */
export type AnswersFault<A, Rights, Wrong extends string = WrongAnswers<A, Rights>> = [Wrong] extends [never]
  ? never
  :
    & MustAnswer<Wrong, Exclude<Awaited<Rights[Wrong & keyof Rights]>, undefined>>
    & BesideThese<Exclude<keyof A & string, Wrong>>;

/**
 * Appears in a compiler error when an option does not exist, and no other one has a similar name. There is no value of
 * this type.
 *
 * @typeParam Name The name that was given.
 */
export interface NoSuchOption<Name extends string> {
  /** The name that was given. */
  readonly noSuchOption: Name;
}

/**
 * Checks the names of options: an error at each name that does not exist.
 *
 * @typeParam O The options that were given.
 * @typeParam Names The names that exist.
 */
export type KnownOptions<O, Names extends string> = {
  readonly [N in keyof O]: N extends Names ? unknown
    : [Suggestion<N & string, Names>] extends [never] ? NoSuchOption<N & string>
    : Suggestion<N & string, Names>;
};
