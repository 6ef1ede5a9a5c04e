/**
 * An offline replacement for the few functions of `@std/assert` that the tests, benchmarks and tools of this
 * repository use. Each function has the signature of the original, and passes and fails for the same values. One
 * difference: here objects with different prototypes are never equal.
 *
 * @module
 */

import { deepStrictEqual } from "node:assert/strict";
import { inspect, isDeepStrictEqual } from "node:util";

/** The error of a failed assertion. */
export class AssertionError extends Error {
  /** Creates the error with the message of the failed assertion. */
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = "AssertionError";
  }
}

/** A class of errors or of anything else. */
// deno-lint-ignore no-explicit-any
type Constructor<T> = abstract new (...args: any[]) => T;

/** Throws the error, with the caller's message at the end of its text. */
function refuse(what: string, msg?: string, cause?: unknown): never {
  throw new AssertionError(msg ? `${what}: ${msg}` : what, { cause });
}

/** Fails if the condition is not truthy. */
export function assert(expr: unknown, msg = ""): asserts expr {
  if (!expr) throw new AssertionError(msg);
}

/** Fails if the condition is not falsy. */
export function assertFalse(expr: unknown, msg?: string): asserts expr is false | 0 | "" | null | undefined {
  if (expr) refuse("Expected a falsy value", msg);
}

/** Fails if the two values are not deeply equal. */
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

/** Fails if the two values are not the same by `Object.is`. */
export function assertStrictEquals<T>(actual: unknown, expected: T, msg?: string): asserts actual is T {
  if (Object.is(actual, expected)) return;
  refuse(`Values are not strictly equal: ${inspect(actual)} is not ${inspect(expected)}`, msg);
}

/** Fails if the value is `null` or `undefined`. */
export function assertExists<T>(actual: T, msg?: string): asserts actual is NonNullable<T> {
  if (actual === null || actual === undefined) refuse(`Expected a value, got ${actual}`, msg);
}

/** Fails if the value is not an instance of the class. */
export function assertInstanceOf<T>(
  actual: unknown,
  expectedType: Constructor<T>,
  msg = "",
): asserts actual is T {
  if (actual instanceof expectedType) return;
  refuse(`Expected an instance of "${expectedType.name}", got ${inspect(actual)}`, msg);
}

/** Fails if the text does not contain the other text. */
export function assertStringIncludes(actual: string, expected: string, msg?: string): void {
  if (!actual.includes(expected)) refuse(`Expected ${inspect(actual)} to contain ${inspect(expected)}`, msg);
}

/** Fails if the text does not match the pattern. */
export function assertMatch(actual: string, expected: RegExp, msg?: string): void {
  if (!expected.test(actual)) refuse(`Expected ${inspect(actual)} to match ${expected}`, msg);
}

/** Fails if the first value is not greater. */
export function assertGreater<T>(actualValue: T, expectedValue: T, msg?: string): void {
  if (!(actualValue > expectedValue)) {
    refuse(`Expected ${inspect(actualValue)} > ${inspect(expectedValue)}`, msg);
  }
}

/** Fails if the first value is not greater or equal. */
export function assertGreaterOrEqual<T>(actualValue: T, expectedValue: T, msg?: string): void {
  if (!(actualValue >= expectedValue)) {
    refuse(`Expected ${inspect(actualValue)} >= ${inspect(expectedValue)}`, msg);
  }
}

/** Fails if the first value is not less. */
export function assertLess<T>(actualValue: T, expectedValue: T, msg?: string): void {
  if (!(actualValue < expectedValue)) {
    refuse(`Expected ${inspect(actualValue)} < ${inspect(expectedValue)}`, msg);
  }
}

/** Fails if the first value is not less or equal. */
export function assertLessOrEqual<T>(actualValue: T, expectedValue: T, msg?: string): void {
  if (!(actualValue <= expectedValue)) {
    refuse(`Expected ${inspect(actualValue)} <= ${inspect(expectedValue)}`, msg);
  }
}

/** Fails if the object lacks something that the expected object has, at any depth. */
export function assertObjectMatch(
  // deno-lint-ignore no-explicit-any
  actual: Record<PropertyKey, any>,
  expected: Record<PropertyKey, unknown>,
  msg?: string,
): void {
  assertEquals<unknown>(pick(actual, expected), expected, msg);
}

/** The part of a value that the pattern names. Arrays and class instances are compared as a whole. */
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

/** Always fails. */
export function fail(msg?: string): never {
  refuse("Failed assertion", msg);
}

/** Always fails. For code that must not be reached. */
export function unreachable(msg?: string): never {
  refuse("Unreachable", msg);
}

/** Fails if the function does not throw. Returns the thrown value. */
export function assertThrows(fn: () => unknown, msg?: string): unknown;
/** Fails if the function does not throw an error of this class whose message contains the text. Returns the error. */
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

/** Fails if the promise does not reject. Returns the reason. */
export function assertRejects(fn: () => PromiseLike<unknown>, msg?: string): Promise<unknown>;
/**
 * Fails if the promise does not reject with an error of this class whose message contains the text. Returns the
 * error.
 */
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

/** Fails if the error is not of this class, or if its message does not contain the text. */
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
