/**
 * "Did you mean …?" for the compiler: what stands in its error beside the names that exist. Types only; `suggest` is the same
 * for errors at run time.
 *
 * @module
 */

/**
 * The name that was probably meant, shown by the compiler beside those that exist. There is no value of this type.
 *
 * @typeParam Name The name as it should be.
 */
export interface DidYouMean<Name extends string> {
  /** The name as it should be. */
  readonly didYouMean: Name;
}

/** A text in small letters, and all that is left of it without one of its letters. */
export type WithoutALetter<S extends string, Head extends string = "", All extends string = Lowercase<S>> =
  S extends `${infer Letter}${infer Rest}`
    ? WithoutALetter<Rest, `${Head}${Letter}`, All | Lowercase<`${Head}${Rest}`>>
    : All;

/** Whether two texts are one letter apart: added, left out, replaced or moved by one. Large letters are as small ones. */
export type IsNear<A extends string, B extends string> = WithoutALetter<A> & WithoutALetter<B> extends never
  ? false
  : true;

/** A name as a pattern has it: right where it is nearly so, with its parameters; `never` where it is another. */
export type SpeltAs<N extends string, P extends string> = P extends `${infer PHead}/${infer PTail}`
  ? N extends `${infer NHead}/${infer NTail}` ? `${SegmentAs<NHead, PHead>}/${SpeltAs<NTail, PTail>}` : never
  : N extends `${string}/${string}` ? never
  : SegmentAs<N, P>;

/** A segment as a pattern has it. */
export type SegmentAs<N extends string, P extends string> = N extends P ? P
  : P extends `:${string}` ? N
  : IsNear<N, P> extends true ? P
  : never;

/** A name as those of several patterns have it that are near. */
export type Nearest<N extends string, Patterns extends string> = Patterns extends string
  ? SpeltAs<N, Patterns>
  : never;

/**
 * What a misspelt name was meant to be, as part of the type of a parameter that takes names; `never` for a name that exists,
 * and where none is near. It is worked out only for a wrong name.
 *
 * @typeParam G The name that was given.
 * @typeParam Names The names that exist.
 * @typeParam Patterns The patterns that they come from, where they do.
 */
export type Suggestion<G extends string, Names extends string, Patterns extends string = Names> =
  // The first line tells the compiler that `G` is what was given.
  [G] extends [never] ? G
    : [G] extends [Names] ? never
    : string extends G ? never
    : [Nearest<G, Patterns>] extends [infer Name extends string]
      ? [Name] extends [never] ? never : DidYouMean<Name>
    : never;

/**
 * The names that exist, and beside them what a misspelt one was meant to be. For methods that are called on a union of
 * types, which must all have the same type parameters.
 */
export type NamesOr<G extends string, Names extends string> = [G] extends [Names] ? Names
  : [Suggestion<G, Names>] extends [infer S] ? Names | S
  : never;

/** A union of names as it is: the compiler's errors show the names, and not how they came about. */
export type Plain<Names extends string> = [Names] extends [infer Name extends string] ? Name : never;
