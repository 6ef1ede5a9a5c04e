/**
 * Offline stand-in for the few functions of `@std/assert` that this repository's tests, benchmarks and tools use.
 * Each has the real one's signature and passes and fails on the same values, save that objects with different
 * prototypes are never equal here.
 *
 * @module
 */

import { deepStrictEqual } from "node:assert/strict";
import { inspect, isDeepStrictEqual } from "node:util";

/** What a failed assertion throws. */
export class AssertionError extends Error {
  /** Creates the error with the message of the failed assertion. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** A class whose instances are errors or anything else. */
// deno-lint-ignore no-explicit-any
type Constructor<T> = abstract new (...args: any[]) => T;

/** Throws the failure, with the caller's own words at its end. */
function refuse(what: string, msg?: string, cause?: unknown): never {
  throw new AssertionError(msg ? `${what}: ${msg}` : what, { cause });
}

/** Fails unless the condition is truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Fails unless the condition is falsy. */
export function assertFalse(expr: unknown, msg?: string): asserts expr is false | 0 | "" | null | undefined {
  if (expr) refuse("Expected a falsy value", msg);
}

/** Fails unless both values are deeply equal. */
export function assertEquals<T>(actual: T, expected: T, msg?: string): void {
  if (isDeepStrictEqual(actual, expected)) return;
  try {
    deepStrictEqual(actual, expected);
  } catch (error) {
    const difference = (error as Error).message.replace(/^[^\n]*\n+/, "");
    refuse(msg ? `Values are not equal: ${msg}\n${difference}` : `Values are not equal.\n${difference}`);
  }
}

/** Fails if both values are deeply equal. */
export function assertNotEquals<T>(actual: T, expected: T, msg?: string): void {
  if (!isDeepStrictEqual(actual, expected)) return;
  refuse(`Expected the values to differ, both are ${inspect(actual)}`, msg);
}

/** Fails unless both values are the same by `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  refuse(`Values are not strictly equal: ${inspect(actual)} is not ${inspect(expected)}`, msg);
}

/** Fails if the value is `null` or `undefined`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === null || actual === undefined) refuse(`Expected a value, got ${actual}`, msg);
}

/** Fails unless the value is an instance of the class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: Constructor<T>,
  msg = "",
): asserts actual is T {
  if (actual instanceof expectedType) return;
  refuse(`Expected an instance of "${expectedType.name}", got ${inspect(actual)}`, msg);
}

/** Fails unless the text contains the other text. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) refuse(`Expected ${inspect(actual)} to contain ${inspect(expected)}`, msg);
}

/** Fails unless the text matches the pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) refuse(`Expected ${inspect(actual)} to match ${expected}`, msg);
}

/** Fails unless the first value is greater. */
export function assertGreater<T>(actualValue: T, expectedValue: T, msg?: string): void {
  if (!(actualValue > expectedValue)) {
    refuse(`Expected ${inspect(actualValue)} > ${inspect(expectedValue)}`, msg);
  }
}

/** Fails unless the first value is greater or equal. */
export function assertGreaterOrEqual<T>(actualValue: T, expectedValue: T, msg?: string): void {
  if (!(actualValue >= expectedValue)) {
    refuse(`Expected ${inspect(actualValue)} >= ${inspect(expectedValue)}`, msg);
  }
}

/** Fails unless the first value is less. */
export function assertLess<T>(actualValue: T, expectedValue: T, msg?: string): void {
  if (!(actualValue < expectedValue)) {
    refuse(`Expected ${inspect(actualValue)} < ${inspect(expectedValue)}`, msg);
  }
}

/** Fails unless the first value is less or equal. */
export function assertLessOrEqual<T>(actualValue: T, expectedValue: T, msg?: string): void {
  if (!(actualValue <= expectedValue)) {
    refuse(`Expected ${inspect(actualValue)} <= ${inspect(expectedValue)}`, msg);
  }
}

/** Fails unless the object has everything that the expected object has, however deep. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals<unknown>(pick(actual, expected), expected, msg);
}

/** The part of a value that the pattern names. Arrays and class instances are compared whole. */
function pick(actual: unknown, pattern: unknown): unknown {
  if (!isPlainObject(actual) || !isPlainObject(pattern)) return actual;
  const part: Record<PropertyKey, unknown> = {};
  for (const key of Reflect.ownKeys(pattern)) {
    if (key in actual) part[key] = pick(actual[key], pattern[key]);
  }
  return part;
}

function isPlainObject(value: unknown): value is Record<PropertyKey, unknown> {
  if (typeof value !== "object" || value === null) return false;
  return Object.getPrototypeOf(value) === Object.prototype;
}

/** Fails always. */
export function fail(msg?: string): never {
  refuse("Failed assertion", msg);
}

/** Fails always: for code that must not be reached. */
export function unreachable(msg?: string): never {
  refuse("Unreachable", msg);
}

/** Fails unless the function throws; returns what it threw. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Fails unless the function throws an error of the class, whose message has the text; returns the error. */
export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): E;
export function assertThrows(
  fn: () => unknown,
  errorClassOrMsg?: Constructor<Error> | string,
  msgIncludes?: string,
  msg?: string,
): unknown {
  try {
    fn();
  } catch (error) {
    return checkError(error, errorClassOrMsg, msgIncludes, msg);
  }
  refuse("Expected the function to throw", typeof errorClassOrMsg === "string" ? errorClassOrMsg : msg);
}

/** Fails unless the promise rejects; returns what it rejected with. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/** Fails unless the promise rejects with an error of the class, whose message has the text; returns the error. */
export function assertRejects<E extends Error = Error>(
  fn: () => PromiseLike<unknown>,
  ErrorClass: Constructor<E>,
  msgIncludes?: string,
  msg?: string,
): Promise<E>;
export async function assertRejects(
  fn: () => PromiseLike<unknown>,
  errorClassOrMsg?: Constructor<Error> | string,
  msgIncludes?: string,
  msg?: string,
): Promise<unknown> {
  const words = typeof errorClassOrMsg === "string" ? errorClassOrMsg : msg;
  let promise: PromiseLike<unknown>;
  try {
    promise = fn();
  } catch (error) {
    refuse("Function throws when expected to reject", words, error);
  }
  try {
    await promise;
  } catch (error) {
    return checkError(error, errorClassOrMsg, msgIncludes, msg);
  }
  refuse("Expected the promise to reject", words);
}

/** Fails unless the error is of the class and its message has the text. */
function checkError(
  error: unknown,
  errorClassOrMsg: Constructor<Error> | string | undefined,
  msgIncludes?: string,
  msg?: string,
): unknown {
  if (errorClassOrMsg === undefined || typeof errorClassOrMsg === "string") return error;
  if (!(error instanceof errorClassOrMsg)) {
    refuse(`Expected an error of class "${errorClassOrMsg.name}", got ${inspect(error)}`, msg, error);
  }
  if (msgIncludes !== undefined && !error.message.includes(msgIncludes)) {
    refuse(`Expected the error's message to contain "${msgIncludes}", got "${error.message}"`, msg, error);
  }
  return error;
}
