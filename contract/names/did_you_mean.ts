/**
 * "Did you mean …?" in compiler errors, beside the names that exist. Types only; `suggest` does the same for errors
 * at run time.
 *
 * @module
 */

/**
 * The name that was probably meant. The compiler shows it beside the names that exist. There is no value of this
 * type.
 *
 * @typeParam Name The correct name.
 */
export interface DidYouMean<Name extends string> {
  /** The correct name. */
  readonly didYouMean: Name;
}

/**
 * Appears in a compiler error about a name of another kind: a request that is sent as a signal, or the other way round.
 * There is no value of this type.
 *
 * @typeParam Kind What the name stands for.
 */
export interface ItIsA<Kind extends string> {
  /** What the name stands for. */
  readonly itIsA: Kind;
}

/** Appears in a compiler error when the contract declares nothing of the kind. There is no value of this type. */
export interface NoneDeclared {
  /** There is none. */
  readonly noneDeclared: true;
}

/** A text in lower case, and each text that you get by removing one of its letters. */
export type WithoutALetter<S extends string, Head extends string = "", All extends string = Lowercase<S>> =
  S extends `${infer Letter}${infer Rest}`
    ? WithoutALetter<Rest, `${Head}${Letter}`, All | Lowercase<`${Head}${Rest}`>>
    : All;

/**
 * Whether two texts differ by one letter: added, removed, replaced or moved by one place. Upper and lower case count
 * as the same.
 */
export type IsNear<A extends string, B extends string> = WithoutALetter<A> & WithoutALetter<B> extends never
  ? false
  : true;

/**
 * A name corrected by a pattern: segments that are nearly right are corrected, parameters are kept. `never` if the
 * name does not fit.
 */
export type SpeltAs<N extends string, P extends string> = P extends `${infer PHead}/${infer PTail}`
  ? N extends `${infer NHead}/${infer NTail}` ? `${SegmentAs<NHead, PHead>}/${SpeltAs<NTail, PTail>}` : never
  : N extends `${string}/${string}` ? never
  : SegmentAs<N, P>;

/** A segment corrected by the segment of a pattern. */
export type SegmentAs<N extends string, P extends string> = N extends P ? P
  : P extends `:${string}` ? N
  : IsNear<N, P> extends true ? P
  : never;

/** A name, corrected by each of several patterns that it nearly fits. */
export type Nearest<N extends string, Patterns extends string> = Patterns extends string
  ? SpeltAs<N, Patterns>
  : never;

/**
 * The name that a misspelt name probably meant, as part of a parameter's type. `never` if the name exists, and if no
 * name is near. The compiler works it out only for a wrong name.
 *
 * @typeParam G The name that was given.
 * @typeParam Names The names that exist.
 * @typeParam Patterns The patterns that the names come from, if they come from patterns.
 */
export type Suggestion<G extends string, Names extends string, Patterns extends string = Names> =
  // This line makes the compiler infer `G` from the argument.
  [G] extends [never] ? G
    : [Names] extends [never] ? NoneDeclared
    : [G] extends [Names] ? never
    : string extends G ? never
    : [Nearest<G, Patterns>] extends [infer Name extends string]
      ? [Name] extends [never] ? never : DidYouMean<Name>
    : never;

/**
 * As {@linkcode Suggestion}, for one of two kinds: a name of the other kind is told apart from one that does not exist.
 *
 * @typeParam G The name that was given.
 * @typeParam Names The names of this kind.
 * @typeParam Others The names of the other kind.
 * @typeParam Kind What the other kind is called.
 */
export type SuggestionOfKind<
  G extends string,
  Names extends string,
  Others extends string,
  Kind extends string,
> = [G] extends [never] ? G
  : [G] extends [Others] ? ItIsA<Kind>
  : Suggestion<G, Names>;

/**
 * The names that exist, and beside them the name that a misspelt one probably meant. For methods that are called on a
 * union of types: these must all have the same type parameters.
 */
export type NamesOr<G extends string, Names extends string> = [G] extends [Names] ? Names
  : [Suggestion<G, Names>] extends [infer S] ? Names | S
  : never;

/** A union of names, resolved early, so that compiler errors show the names and not the type they come from. */
export type Plain<Names extends string> = [Names] extends [infer Name extends string] ? Name : never;
