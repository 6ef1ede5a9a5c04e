/**
 * Topic patterns: `ticker/:symbol` fits every name of two segments whose first one is `ticker`.
 *
 * @module
 */

/** A segment as it may be in a name: a parameter can be any text. */
export type Segment<S extends string> = S extends `:${string}` ? string : S;

/** The names that fit a pattern, as a template type: `` `ticker/${string}` ``. */
export type NamesOf<P extends string> = P extends `${infer Head}/${infer Tail}`
  ? `${Segment<Head>}/${NamesOf<Tail>}`
  : Segment<P>;

/** Whether a name fits a pattern, segment by segment. */
export type Fits<N extends string, P extends string> = P extends `${infer PHead}/${infer PTail}`
  ? N extends `${infer NHead}/${infer NTail}` ? NHead extends Segment<PHead> ? Fits<NTail, PTail> : false
  : false
  : N extends `${string}/${string}` ? false
  : N extends Segment<P> ? true
  : false;

/** Patterns by the names that fit them. They are keys, so that a name that fits several patterns gives all of them. */
export type PatternsByName<Patterns extends string> = {
  readonly [P in Patterns as NamesOf<P>]: { readonly [Q in P]: Q };
};

/** The keys of a record. Unlike `keyof` alone, the compiler works it out once. */
export type KeysOf<M> = [M] extends [object] ? keyof M : never;

/** The patterns of a small set that a name fits, segment by segment. */
export type FittingOf<Patterns extends string, N extends string> = Patterns extends string
  ? Fits<N, Patterns> extends true ? Patterns : never
  : never;

/**
 * The pattern among `Patterns` that a name fits: the name itself if it is declared, else by segments. The compiler
 * first looks the name up among the patterns, because comparing its segments with each pattern takes long.
 */
export type PatternOf<Patterns extends string, N extends string> = N extends Patterns ? N
  : N extends KeysOf<PatternsByName<Patterns>> ? FittingOf<keyof PatternsByName<Patterns>[N] & string, N>
  : never;

/** The names of a pattern's parameters. */
export type ParamNames<P extends string> = P extends `${infer Head}/${infer Tail}`
  ? ParamNames<Head> | ParamNames<Tail>
  : P extends `:${infer Name}` ? Name
  : never;

/** The parameters of a pattern: `{ symbol: string }` for `ticker/:symbol`. */
export type ParamsOf<P extends string> = { readonly [Name in ParamNames<P>]: string };

/** A compiled pattern. */
export interface Pattern {
  /** The pattern as it was written. */
  readonly source: string;
  /** Whether it has no parameter, so that only its own text fits. */
  readonly literal: boolean;
  /** The parameters of a name, or `undefined` when the name does not fit. A parameter never fits an empty segment. */
  match(name: string): Readonly<Record<string, string>> | undefined;
}

const PARAM_NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;
const NO_PARAMS: Readonly<Record<string, string>> = /* @__PURE__ */ Object.freeze(
  /* @__PURE__ */ Object.create(null),
);

/**
 * Compiles a pattern.
 *
 * @param source Segments separated by `/`. A segment that starts with `:` is a parameter.
 * @throws {TypeError} When a segment is empty, a parameter's name is not an identifier, or is used twice.
 *
 * @example
 * ```ts
 * import { compilePattern } from "@trunkline/hub/contract";
 * import { assertEquals } from "@std/assert";
 *
 * const pattern = compilePattern("ticker/:symbol");
 * assertEquals(pattern.match("ticker/ACME")?.symbol, "ACME");
 * assertEquals(pattern.match("ticker/ACME/day"), undefined);
 * ```
 */
export function compilePattern(source: string): Pattern {
  const segments = source.split("/");
  const params = new Map<number, string>();
  for (const [index, segment] of segments.entries()) {
    if (segment === "") throw new TypeError(`Cannot use the pattern "${source}": it has an empty segment`);
    if (!segment.startsWith(":")) continue;
    const name = segment.slice(1);
    if (!PARAM_NAME.test(name)) {
      throw new TypeError(`Cannot use the pattern "${source}": ":${name}" is not a parameter name`);
    }
    if ([...params.values()].includes(name)) {
      throw new TypeError(`Cannot use the pattern "${source}": the parameter "${name}" is in it twice`);
    }
    params.set(index, name);
  }
  return {
    source,
    literal: params.size === 0,
    match(name) {
      if (params.size === 0) return name === source ? NO_PARAMS : undefined;
      const parts = name.split("/");
      if (parts.length !== segments.length) return undefined;
      const found: Record<string, string> = Object.create(null);
      for (let i = 0; i < parts.length; i++) {
        const param = params.get(i);
        if (param === undefined) {
          if (parts[i] !== segments[i]) return undefined;
        } else if (parts[i] === "") return undefined;
        else found[param] = parts[i]!;
      }
      return found;
    },
  };
}

/** A node of the tree of patterns: patterns with the same first segments share it. */
class Branch<T> {
  readonly #literal = new Map<string, Branch<T>>();
  #param: Branch<T> | undefined;
  /** The pattern that ends here. */
  leaf: { readonly pattern: Pattern; readonly value: T } | undefined;

  /** Returns the branch for the next segment, and makes it if needed. */
  grow(segment: string): Branch<T> {
    if (segment.startsWith(":")) return this.#param ??= new Branch();
    let next = this.#literal.get(segment);
    if (!next) this.#literal.set(segment, next = new Branch());
    return next;
  }

  /** Finds the pattern that a name fits. */
  find(parts: readonly string[], at = 0): Branch<T>["leaf"] {
    if (at === parts.length) return this.leaf;
    const part = parts[at]!;
    return this.#literal.get(part)?.find(parts, at + 1) ??
      (part === "" ? undefined : this.#param?.find(parts, at + 1));
  }

  /** Finds another pattern that has a name in common with this one. */
  rival(segments: readonly string[], at = 0): Branch<T>["leaf"] {
    if (at === segments.length) return this.leaf;
    const segment = segments[at]!;
    const rivals = segment.startsWith(":")
      ? this.#literal.values()
      : [this.#literal.get(segment)].filter((next) => next !== undefined);
    for (const next of rivals) {
      const rival = next.rival(segments, at + 1);
      if (rival) return rival;
    }
    return this.#param?.rival(segments, at + 1);
  }
}

/**
 * Finds the value for a name by its pattern. A literal name comes before a pattern that it fits too. Two patterns
 * with parameters never share a name, so the order of declaration does not matter. The cost of a search depends on
 * the length of the name, not on the number of patterns.
 */
export class PatternTable<T> {
  /** The patterns, in the order of their declaration. */
  readonly patterns: string[] = [];
  readonly #literals = new Map<string, T>();
  readonly #root = new Branch<T>();

  /**
   * Adds a pattern.
   *
   * @param source The pattern.
   * @param value The value for names that fit it.
   * @throws {TypeError} When the pattern is malformed, or when one name could fit both it and an earlier pattern.
   */
  add(source: string, value: T): void {
    const pattern = compilePattern(source);
    if (pattern.literal) {
      if (this.#literals.has(source)) throw new TypeError(`Cannot declare "${source}" twice`);
      this.#literals.set(source, value);
      this.patterns.push(source);
      return;
    }
    const segments = source.split("/");
    const rival = this.#root.rival(segments);
    if (rival) {
      throw new TypeError(
        `Cannot declare "${source}" beside "${rival.pattern.source}": a name could fit both`,
      );
    }
    segments.reduce((branch, segment) => branch.grow(segment), this.#root).leaf = { pattern, value };
    this.patterns.push(source);
  }

  /**
   * Finds the value for a name.
   *
   * @param name A concrete name.
   * @returns The value and the name's parameters, or `undefined`.
   */
  find(name: string): { readonly value: T; readonly params: Readonly<Record<string, string>> } | undefined {
    const literal = this.#literals.get(name);
    if (literal !== undefined) return { value: literal, params: NO_PARAMS };
    const leaf = this.#root.find(name.split("/"));
    return leaf && { value: leaf.value, params: leaf.pattern.match(name)! };
  }
}
