/**
 * Which values can travel, and in which form. Both codecs and the bus between nodes carry exactly the same values, so
 * every receiver can get every value. The rules are in `docs/protocol.md`, "Values".
 *
 * @module
 */

import { HubError } from "../errors.ts";
import { causeOf, describe, Refusal, refuse, shorten, type Trail } from "./refusal.ts";
import { hasLoneSurrogate } from "./text.ts";

/** How deep lists and objects of a payload may be nested. The message and the frame around it do not count. */
export const MAX_DEPTH = 1_000;

/** The first character of property names that the codecs reserve. */
const DOLLAR = 0x24;

/** What each encoding writes, or reads, in its own way. */
export interface PlainRules {
  /** How deep lists and objects of an element may be nested. */
  readonly maxDepth: number;
  /**
   * Whether the check of text for half surrogate pairs can be left out, because the text has none or the encoding finds
   * them.
   *
   * @default {false}
   */
  readonly wellFormed?: boolean;
  /** Converts bytes. */
  bytes(bytes: Uint8Array): unknown;
  /** Converts the name of a property that starts with `$`. */
  name(name: string): string;
  /**
   * What an object stands for, when an encoding reads. Without this, or if it returns `undefined`, the object is a
   * normal value.
   */
  standsFor?(object: object): unknown;
}

/**
 * Encodes a message that holds only values that can travel. Most messages need no copy. All others are copied, and
 * each of their values is read once, so the checked value is the one that is sent. A getter or a proxy may still give
 * a worse value at a second reading. That affects only its own message, because receivers check too.
 *
 * @param message A message of the wire. If it ends with a payload of `undefined`, the payload is left out.
 * @param rules How the encoding writes.
 * @param encode Encodes a message that holds only values that can travel.
 * @throws {HubError} `BAD_REQUEST` when it holds something that cannot travel.
 */
export function encodeMessage<T>(
  message: readonly unknown[],
  rules: PlainRules,
  encode: (plain: readonly unknown[]) => T,
): T {
  const plain = isPlain(message, rules.maxDepth, rules) ? message : copyMessage(message, rules);
  try {
    return encode(plain);
  } catch (error) {
    throw cannotEncode(message, error, []);
  }
}

/**
 * Copies a message. The copy holds only values that can travel.
 *
 * @param message A message of the wire. If it ends with a payload of `undefined`, the payload is left out.
 * @param rules How the encoding writes.
 * @throws {HubError} `BAD_REQUEST` when it holds something that cannot travel.
 */
export function copyMessage(message: readonly unknown[], rules: PlainRules): unknown[] {
  const trail: Trail = [];
  try {
    return copyElements(message, rules, trail);
  } catch (error) {
    throw cannotEncode(message, error, trail);
  }
}

function cannotEncode(message: readonly unknown[], error: unknown, trail: Trail): HubError {
  const name = message.find((element, i) => i > 0 && typeof element === "string") ?? message[0];
  return refuse(`encode the payload of "${shorten(String(name))}"`, describe(error, trail), error);
}

function copyElements(message: readonly unknown[], rules: PlainRules, trail: Trail): unknown[] {
  const plain: unknown[] = [];
  for (const [i, element] of message.entries()) {
    const value = copy(element, rules.maxDepth, rules, trail);
    if (value !== undefined) plain.push(value);
    else if (i < message.length - 1) throw new Refusal("undefined");
  }
  return plain;
}

/** How many errors of a frame say where the bad value is. A client without bad intent makes fewer. */
const MAX_PLACES = 100;

/** The errors of a frame, by what they say. To make one takes longer than to read a short message. */
export type ReadErrors = Map<string, HubError>;

/**
 * Reads the elements of a decoded message. A value that could not be sent may not be received either. It makes its
 * own message fail, and no other message of the frame.
 *
 * @param message The message. Its elements are replaced: by the values they stand for, or by a `HubError`
 * (`BAD_REQUEST`) that says what is wrong.
 * @param rules How the encoding reads.
 * @param maxDepth How deep an element may be nested, if it differs from the rules.
 * @param errors The errors of earlier messages of the frame, if any. Equal ones are made once.
 * @returns The errors for the next message of the frame.
 */
export function readPlainMessage(
  message: unknown[],
  rules: PlainRules,
  maxDepth: number = rules.maxDepth,
  errors?: ReadErrors,
): ReadErrors | undefined {
  for (let i = 1; i < message.length; i++) {
    if (!looksPlain(message[i], maxDepth, rules)) {
      message[i] = readElement(message[i], { ...rules, maxDepth }, errors ??= new Map());
    }
  }
  return errors;
}

/**
 * Whether parsed JSON is already a value as every encoding reads it. The text had no escapes, so its strings are
 * well-formed, and its objects have no class. So this check costs half of the check for other values. It calls itself
 * only for lists and objects: a call for each text and number would cost half as much again.
 *
 * @param list The parsed list.
 * @param depth How deep lists and objects may be nested inside an element.
 */
export function isParsedPlain(list: readonly unknown[], depth: number): boolean {
  for (let i = 0; i < list.length; i++) {
    const element = list[i];
    switch (typeof element) {
      case "string":
        continue;
      case "object":
        if (element === null || isParsedPlainObject(element, depth - 1)) continue;
        return false;
      case "number":
        if (Number.isFinite(element)) continue;
        return false;
    }
  }
  return true;
}

function isParsedPlainObject(value: object, depth: number): boolean {
  if (depth < 0) return false;
  if (Array.isArray(value)) return isParsedPlain(value, depth);
  for (const key in value) {
    if (key.charCodeAt(0) === DOLLAR || key === "__proto__") return false;
    const property = (value as Readonly<Record<string, unknown>>)[key];
    switch (typeof property) {
      case "string":
        continue;
      case "object":
        if (property === null || isParsedPlainObject(property, depth - 1)) continue;
        return false;
      case "number":
        if (Number.isFinite(property)) continue;
        return false;
    }
  }
  return true;
}

function readElement(element: unknown, rules: PlainRules, errors: ReadErrors): unknown {
  if (element instanceof HubError) return element; // it could not be decoded
  const trail: Trail = [];
  try {
    return copy(element, rules.maxDepth, rules, trail);
  } catch (error) {
    const why = describe(error, errors.size < MAX_PLACES ? trail : []);
    let refused = errors.get(why);
    if (!refused) errors.set(why, refused = refuse("read a payload", why, error));
    return refused;
  }
}

/**
 * Copies a value. The copy holds only values that can travel.
 *
 * @param value The value.
 * @param rules How the encoding writes, or reads.
 * @returns `undefined` if the value, or the result of its `toJSON`, is `undefined`.
 * @throws {TypeError} When it holds something that cannot travel. The message says what, and where.
 */
export function toPlain(value: unknown, rules: PlainRules): unknown {
  const trail: Trail = [];
  try {
    return copy(value, rules.maxDepth, rules, trail);
  } catch (error) {
    throw new TypeError(describe(error, []), { cause: causeOf(error) });
  }
}

/**
 * Whether a value is already in the form that every encoding writes and reads. If this quick check cannot tell, or if
 * a getter throws, {@linkcode copy} decides, which costs three times as much.
 */
function isPlain(elements: readonly unknown[], depth: number, rules: PlainRules): boolean {
  try {
    return looksPlainList(elements, depth, rules);
  } catch {
    return false;
  }
}

function looksPlain(value: unknown, depth: number, rules: PlainRules): boolean {
  switch (typeof value) {
    case "string":
      return rules.wellFormed === true || !hasLoneSurrogate(value);
    case "number":
      return Number.isFinite(value);
    case "boolean":
      return true;
    case "object":
      return value === null || depth > 0 && looksPlainInside(value, depth - 1, rules);
    default:
      return false;
  }
}

function looksPlainList(list: readonly unknown[], depth: number, rules: PlainRules): boolean {
  for (let i = 0; i < list.length; i++) {
    const element = list[i];
    if (typeof element === "string" && rules.wellFormed) continue; // most values are text
    if (!looksPlain(element, depth, rules)) return false;
  }
  return true;
}

const { hasOwnProperty } = Object.prototype;

function looksPlainInside(value: object, depth: number, rules: PlainRules): boolean {
  if (Array.isArray(value)) {
    return (value as { readonly toJSON?: unknown }).toJSON === undefined &&
      looksPlainList(value, depth, rules);
  }
  // Some engines do not optimise `getPrototypeOf`. So it is called only if the constructor is not `Object`, or if
  // there are no properties (as with some iterators).
  let mayBeOfClass = true;
  if (value.constructor !== Object && !hasPlainPrototype(value)) return false;
  // This loop with `hasOwnProperty` costs half of `Object.keys`, because engines optimise the pair.
  for (const key in value) {
    if (key === "toJSON") return false; // an inherited one counts too
    if (!hasOwnProperty.call(value, key)) continue;
    if (key.charCodeAt(0) === DOLLAR || key === "__proto__") return false;
    if (!rules.wellFormed && hasLoneSurrogate(key)) return false;
    mayBeOfClass = false;
    const property = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof property === "string" && rules.wellFormed) continue; // most values are text
    if (!looksPlain(property, depth, rules)) return false;
  }
  return !mayBeOfClass || hasPlainPrototype(value);
}

const hasPlainPrototype = (value: object): boolean => Object.getPrototypeOf(value) === Object.prototype;

/** @param trail The keys on the way to the value. When this throws, they lead to the value that cannot travel. */
function copy(value: unknown, depth: number, rules: PlainRules, trail: Trail): unknown {
  switch (typeof value) {
    case "string":
      return checkText(value, "text");
    case "number":
      if (!Number.isFinite(value)) throw new Refusal(String(value));
      return value;
    case "object":
      return value === null ? null : copyObject(value, depth, rules, trail);
    case "boolean":
    case "undefined":
      return value;
    default:
      throw new Refusal(`a ${typeof value}`);
  }
}

function checkText(text: string, what: string): string {
  if (hasLoneSurrogate(text)) throw new Refusal(`${what} with half a surrogate pair`);
  return text;
}

function copyObject(value: object, depth: number, rules: PlainRules, trail: Trail): unknown {
  if (value instanceof Uint8Array) return rules.bytes(value);
  const { toJSON } = value as { readonly toJSON?: unknown };
  if (typeof toJSON !== "function") return rules.standsFor?.(value) ?? copyInside(value, depth, rules, trail);
  if (value instanceof Date && Number.isNaN(value.getTime())) throw new Refusal("an invalid date");
  const given: unknown = toJSON.call(value, String(trail.at(-1) ?? ""));
  // As in JSON, a `toJSON` of the result is not called.
  return typeof given === "object" && given !== null
    ? copyInside(given, depth, rules, trail)
    : copy(given, depth, rules, trail);
}

function copyInside(value: object, depth: number, rules: PlainRules, trail: Trail): unknown {
  if (depth === 0) throw new Refusal(`a value nested deeper than ${rules.maxDepth} levels, or in itself,`);
  if (Array.isArray(value)) return copyList(value, depth - 1, rules, trail);
  if (Object.getPrototypeOf(value) !== Object.prototype) {
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    if (kind === "Uint8Array" && ArrayBuffer.isView(value)) { // of another realm, or given by a `toJSON`
      return rules.bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
    if (kind !== "Object") throw new Refusal(`a value of the class ${kind.slice(0, 32)}`);
  }
  return copyProperties(value as Readonly<Record<string, unknown>>, depth - 1, rules, trail);
}

function copyList(list: readonly unknown[], depth: number, rules: PlainRules, trail: Trail): unknown[] {
  const plain: unknown[] = [];
  const level = trail.length;
  for (let i = 0, { length } = list; i < length; i++) {
    trail[level] = i;
    const value = copy(list[i], depth, rules, trail);
    if (value === undefined) throw new Refusal("undefined in a list");
    plain.push(value);
  }
  trail.length = level;
  return plain;
}

function copyProperties(
  value: Readonly<Record<string, unknown>>,
  depth: number,
  rules: PlainRules,
  trail: Trail,
): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  const level = trail.length;
  for (const key of Object.keys(value)) {
    trail[level] = key;
    if (key === "__proto__") throw new Refusal('a property named "__proto__"');
    checkText(key, "a property's name");
    const item = copy(value[key], depth, rules, trail);
    if (item !== undefined) plain[key[0] === "$" ? rules.name(key) : key] = item;
  }
  trail.length = level;
  return plain;
}
