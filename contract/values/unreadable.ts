/**
 * What may not be handed on of what has arrived. A frame that can be taken apart is never lost for one bad value in it:
 * the value is replaced by {@linkcode Unreadable}, and only its message fails.
 *
 * @module
 */

import { HubError } from "../errors.ts";
import { hasLoneSurrogate } from "./text.ts";

/** Stands in a decoded message for an element that cannot be handed on. */
export class Unreadable {
  /** Why. */
  readonly error: HubError;

  /**
   * Takes the place of an element.
   *
   * @param cause What is wrong with it.
   */
  constructor(cause: unknown) {
    const why = cause instanceof HubError ? cause.message : "Cannot read a payload: it is damaged";
    this.error = new HubError("BAD_REQUEST", why, { cause });
  }
}

/** A message of the right form whose payload cannot be handed on. Only this message fails, never the link. */
export class UnreadableMessage {
  /** The message without the payload: kind, and id or name. */
  readonly head: readonly unknown[];
  /** What is wrong with the payload. */
  readonly error: HubError;

  /**
   * Takes the place of a message.
   *
   * @param head The message without the payload.
   * @param error What is wrong with the payload.
   */
  constructor(head: readonly unknown[], error: HubError) {
    this.head = head;
    this.error = error;
  }
}

/** How an encoding's values are checked. */
export interface ReadRules {
  /** How many lists and objects of an element may be inside each other. */
  readonly maxDepth: number;
  /** Whether text may hold half a surrogate pair, and has to be looked at. */
  readonly text: boolean;
}

/**
 * Checks a decoded value: it must be one that could be sent on.
 *
 * @param value What was decoded.
 * @param rules What to look at.
 * @throws {HubError} `BAD_REQUEST`, with what is wrong.
 */
export function checkReadable(value: unknown, rules: ReadRules): void {
  check(value, rules.maxDepth, rules);
}

function check(value: unknown, depth: number, rules: ReadRules): void {
  if (typeof value === "object") {
    if (value !== null && !(value instanceof Uint8Array)) checkInside(value, depth, rules);
  } else if (typeof value === "number") {
    if (!Number.isFinite(value)) refuse("a number is not finite");
  } else if (typeof value === "string") {
    if (rules.text) checkText(value);
  } else if (typeof value !== "boolean") refuse(`it holds a ${typeof value}`);
}

function checkInside(value: object, depth: number, rules: ReadRules): void {
  if (depth <= 0) refuse(`it is nested deeper than ${rules.maxDepth} levels`);
  if (Array.isArray(value)) {
    for (const item of value) check(item, depth - 1, rules);
    return;
  }
  if (Object.getPrototypeOf(value) !== Object.prototype) refuse("it holds a value of an unknown kind");
  for (const key of Object.keys(value)) {
    if (key === "__proto__") refuse('a property is named "__proto__"');
    if (rules.text) checkText(key);
    check((value as Readonly<Record<string, unknown>>)[key], depth - 1, rules);
  }
}

function checkText(text: string): void {
  if (hasLoneSurrogate(text)) refuse("a text holds half a surrogate pair");
}

function refuse(why: string): never {
  throw new HubError("BAD_REQUEST", `Cannot read a payload: ${why}`);
}
