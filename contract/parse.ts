/**
 * Parsing with a schema, with the errors that hub and client share.
 *
 * @module
 */

import { HubError } from "./errors.ts";
import { promiseOf } from "./user_code.ts";
import type { Schema, SchemaIssue, SchemaResult } from "./standard_schema.ts";
import { toWellFormed } from "./values/text.ts";

/** The largest number of issues of one value that cross the wire. */
const MAX_ISSUES = 16;

/** An issue in the form that crosses the wire. */
export interface ValidationIssue {
  /** What is wrong. */
  readonly message: string;
  /** Where it is, joined with dots; empty for the value itself. */
  readonly path: string;
}

/** The longest text of an issue: the sender of the value chose the keys in it, so it needs a limit. */
const MAX_TEXT = 512;

/** The start of a text, made well-formed so that it can travel. */
const cut = (text: unknown): string => toWellFormed(String(text).slice(0, MAX_TEXT));

function toIssue({ message, path = [] }: SchemaIssue): ValidationIssue {
  // Some libraries return a list of their own class, whose `map` returns that class and not an array.
  const keys = [...path].map((step) => String(typeof step === "object" ? step.key : step));
  return { message: cut(message), path: cut(keys.join(".")) };
}

function unwrap<Output>(result: SchemaResult<Output>, kind: string, name: string): Output {
  // The result of `safeParse` has neither property. Read as a value of `undefined`, it would let every value pass.
  if (
    typeof result !== "object" || result === null || !("value" in result || Array.isArray(result.issues))
  ) {
    throw new TypeError(
      `Cannot use the schema of ${nameOf(kind, name)}: it returned no value and no issues`,
    );
  }
  const { issues: found } = result;
  if (!found) return (result as { readonly value: Output }).value;
  const issues = [...found].slice(0, MAX_ISSUES).map(toIssue);
  const [first] = issues;
  const where = first?.path ? ` at "${first.path}"` : "";
  throw new HubError(
    "VALIDATION",
    `Invalid ${nameOf(kind, name)}${where}: ${first?.message ?? "refused by its schema"}`,
    {
      data: { issues },
    },
  );
}

/** Names a value in an error's message. Called only when there is an error, because every message is parsed. */
const nameOf = (kind: string, name: string): string => `${kind} "${name}"`;

/**
 * Parses a value with a schema that may answer later.
 *
 * @param schema The schema.
 * @param value The value.
 * @param kind What the value is, for the error's message: `"signal"`.
 * @param name The name of it.
 * @returns The parsed value, or a promise of it where the schema is asynchronous.
 * @throws {HubError} `VALIDATION` with `data: { issues }`. Thrown at once, or by the promise.
 */
export function parse<Output>(
  schema: Schema<unknown, Output>,
  value: unknown,
  kind: string,
  name: string,
): Output | Promise<Output> {
  const result = schema["~standard"].validate(value);
  const later = promiseOf(result);
  return later
    ? later.then((result) => unwrap(result, kind, name))
    : unwrap(result as SchemaResult<Output>, kind, name);
}

/**
 * Parses a value with a schema that must answer at once. For one-way messages (events, topics, signals, bus events):
 * their order must not depend on how long a schema takes.
 *
 * @param schema The schema.
 * @param value The value.
 * @param kind What the value is, for the error's message: `"signal"`.
 * @param name The name of it.
 * @throws {HubError} `VALIDATION` with `data: { issues }`.
 * @throws {TypeError} When the schema answers with a promise.
 */
export function parseNow<Output>(
  schema: Schema<unknown, Output>,
  value: unknown,
  kind: string,
  name: string,
): Output {
  const result = schema["~standard"].validate(value);
  const later = promiseOf(result);
  if (!later) return unwrap(result as SchemaResult<Output>, kind, name);
  later.catch(() => {}); // the result does not matter: the schema cannot be used here
  throw new TypeError(
    `Cannot use an asynchronous schema for ${nameOf(kind, name)}: only requests may have one`,
  );
}
