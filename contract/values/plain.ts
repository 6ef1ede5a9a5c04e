/**
 * Which values can travel, and in which form. Both codecs and the bus between nodes carry exactly the same values, so
 * every receiver can get every value. The rules are in `docs/protocol.md`, "Values".
 *
 * @module
 */

import { HubError } from "../errors.ts";
import { hasLoneSurrogate, startOf, toWellFormed } from "./text.ts";

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

/** The error that says why a value cannot travel. */
class Refusal extends TypeError {
  /** The path to the value. */
  #path = "";

  /** Adds the key of the outer value to the path. */
  within(key: string | number): this {
    this.#path = shorten(this.#path && `.${this.#path}`, key);
    return this;
  }

  /** Says what cannot travel, and where it is. */
  describe(): string {
    return this.#path ? `${this.message} at "${this.#path}"` : this.message;
  }
}

/** Shortens text of the user's data, which may be malformed. */
function shorten(text: string, before: unknown = ""): string {
  return toWellFormed(startOf(before + text, 64));
}

/** Turns an error of a getter, a proxy or `toJSON` into a refusal with that error as its cause. */
const asRefusal = (error: unknown): Refusal =>
  error instanceof Refusal ? error : new Refusal("a value that cannot be read", { cause: error });

function refuse(what: string, error: unknown): HubError {
  const refusal = asRefusal(error);
  return new HubError("BAD_REQUEST", `Cannot ${what}: it holds ${refusal.describe()}`, {
    cause: refusal.cause ?? refusal,
  });
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
  try {
    return encode(isPlain(message, rules.maxDepth, rules) ? message : copyElements(message, rules));
  } catch (error) {
    throw cannotEncode(message, error);
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
  try {
    return copyElements(message, rules);
  } catch (error) {
    throw cannotEncode(message, error);
  }
}

function cannotEncode(message: readonly unknown[], error: unknown): HubError {
  const name = message.find((element, i) => i > 0 && typeof element === "string") ?? message[0];
  return refuse(`encode the payload of "${shorten(String(name))}"`, error);
}

function copyElements(message: readonly unknown[], rules: PlainRules): unknown[] {
  const plain: unknown[] = [];
  for (const [i, element] of message.entries()) {
    const value = copy(element, rules.maxDepth, rules, "");
    if (value !== undefined) plain.push(value);
    else if (i < message.length - 1) throw new Refusal("undefined");
  }
  return plain;
}

/**
 * Reads the elements of a decoded message. A value that could not be sent may not be received either. It makes its
 * own message fail, and no other message of the frame.
 *
 * @param message The message. Its elements are replaced: by the values they stand for, or by a `HubError`
 * (`BAD_REQUEST`) that says what is wrong.
 * @param rules How the encoding reads.
 * @param maxDepth How deep an element may be nested, if it differs from the rules.
 */
export function readPlainMessage(
  message: unknown[],
  rules: PlainRules,
  maxDepth: number = rules.maxDepth,
): void {
  for (let i = 1; i < message.length; i++) {
    if (!looksPlain(message[i], maxDepth, rules)) {
      message[i] = readElement(message[i], { ...rules, maxDepth });
    }
  }
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

function readElement(element: unknown, rules: PlainRules): unknown {
  if (element instanceof HubError) return element; // it could not be decoded
  try {
    return toPlain(element, rules);
  } catch (error) {
    return refuse("read a payload", error);
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
  return copy(value, rules.maxDepth, rules, "");
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

function copy(value: unknown, depth: number, rules: PlainRules, key: string | number): unknown {
  switch (typeof value) {
    case "string":
      return checkText(value, "text");
    case "number":
      if (!Number.isFinite(value)) throw new Refusal(String(value));
      return value;
    case "object":
      return value === null ? null : copyObject(value, depth, rules, key);
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

function copyObject(value: object, depth: number, rules: PlainRules, key: string | number): unknown {
  if (value instanceof Uint8Array) return rules.bytes(value);
  const { toJSON } = value as { readonly toJSON?: unknown };
  if (typeof toJSON !== "function") return rules.standsFor?.(value) ?? copyInside(value, depth, rules);
  if (value instanceof Date && Number.isNaN(value.getTime())) throw new Refusal("an invalid date");
  const given: unknown = toJSON.call(value, String(key));
  // As in JSON, a `toJSON` of the result is not called.
  return typeof given === "object" && given !== null
    ? copyInside(given, depth, rules)
    : copy(given, depth, rules, key);
}

function copyInside(value: object, depth: number, rules: PlainRules): unknown {
  if (depth === 0) throw new Refusal(`a value nested deeper than ${rules.maxDepth} levels, or in itself,`);
  if (Array.isArray(value)) return copyList(value, depth - 1, rules);
  if (Object.getPrototypeOf(value) !== Object.prototype) {
    const kind = Object.prototype.toString.call(value).slice(8, -1);
    if (kind === "Uint8Array" && ArrayBuffer.isView(value)) { // of another realm, or given by a `toJSON`
      return rules.bytes(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    }
    if (kind !== "Object") throw new Refusal(`a value of the class ${kind.slice(0, 32)}`);
  }
  return copyProperties(value as Readonly<Record<string, unknown>>, depth - 1, rules);
}

function copyList(list: readonly unknown[], depth: number, rules: PlainRules): unknown[] {
  const plain: unknown[] = [];
  const { length } = list;
  let i = 0;
  try {
    for (; i < length; i++) {
      const value = copy(list[i], depth, rules, i);
      if (value === undefined) throw new Refusal("undefined in a list");
      plain.push(value);
    }
  } catch (error) {
    throw asRefusal(error).within(i);
  }
  return plain;
}

function copyProperties(
  value: Readonly<Record<string, unknown>>,
  depth: number,
  rules: PlainRules,
): Record<string, unknown> {
  const plain: Record<string, unknown> = {};
  let key = "";
  try {
    for (key of Object.keys(value)) {
      if (key === "__proto__") throw new Refusal('a property named "__proto__"');
      checkText(key, "a property's name");
      const item = copy(value[key], depth, rules, key);
      if (item !== undefined) plain[key[0] === "$" ? rules.name(key) : key] = item;
    }
  } catch (error) {
    throw asRefusal(error).within(key);
  }
  return plain;
}
