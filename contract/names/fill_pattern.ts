/**
 * Makes a name from a pattern and its parameters.
 *
 * @module
 */

import { isBag } from "../options/read_options.ts";
import type { ParamNames, PatternTable } from "../pattern.ts";

/** Values for the parameters of a pattern: `{ symbol: "ACME" }` for `ticker/:symbol`. */
export type ParamsFor<P extends string> = { readonly [Name in ParamNames<P>]: string | number };

/** The values as an argument. There is no argument if the pattern has no parameter. */
export type ParamsArgument<P extends string> = [ParamNames<P>] extends [never] ? [] : [params: ParamsFor<P>];

/**
 * Makes a name from a pattern. Values are not escaped. An empty value, or a value with `/`, would make a different
 * name, so it is refused.
 *
 * @param pattern The pattern.
 * @param params A value for each of its parameters: text, or a number.
 * @throws {TypeError} When the pattern is not text, or has no parameter of a given name. Also when a value is missing,
 * is empty, holds `/`, or has another type than text or number.
 *
 * @example
 * ```ts
 * import { fillPattern } from "@trunkline/hub/contract";
 * import { assertEquals } from "@std/assert";
 *
 * assertEquals(fillPattern("ticker/:symbol", { symbol: "ACME" }), "ticker/ACME");
 * ```
 */
export function fillPattern<P extends string>(pattern: P, ...params: ParamsArgument<P>): string {
  return fill(pattern, params[0]);
}

/**
 * Makes a name from a declared pattern.
 *
 * @param declared The declared entries, by pattern.
 * @param pattern The pattern.
 * @param params A value for each of its parameters.
 * @throws {TypeError} As {@linkcode fillPattern}; and when the contract declares the name under another pattern.
 */
export function fillDeclared(
  declared: PatternTable<{ readonly pattern: string }>,
  pattern: string,
  params: unknown,
): string {
  const name = fill(pattern, params);
  const found = declared.find(name)?.value.pattern;
  // A name that is not declared at all is refused later, by the call that uses it.
  if (found === undefined || found === pattern) return name;
  throw new TypeError(`Cannot make "${name}" of "${pattern}": the contract declares it as "${found}"`);
}

function fill(pattern: unknown, params: unknown = {}): string {
  const refuse = (why: string) => new TypeError(`Cannot fill the pattern "${pattern}": ${why}`);
  if (typeof pattern !== "string" || !isBag(params)) {
    throw refuse("give it as text, its parameters as an object");
  }
  const left = new Set(Object.keys(params));
  const name = pattern.split("/").map((segment) => {
    if (segment[0] !== ":") return segment;
    const param = segment.slice(1);
    const value = left.delete(param) && params[param];
    if (typeof value === "number" || typeof value === "string" && value && !value.includes("/")) return value;
    throw refuse(`${param} must be a text without "/", or a number`);
  }).join("/");
  for (const other of left) throw refuse(`it has no parameter ${other}`);
  return name;
}
