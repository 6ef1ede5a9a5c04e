/**
 * Which values travel, and as what. Both encodings and the bus between nodes carry exactly the same: what one receiver
 * can be given, every receiver can. The rules are in `docs/protocol.md`, "Values".
 *
 * @module
 */

import { HubError } from "../errors.ts";
import { hasLoneSurrogate, startOf, toWellFormed } from "./text.ts";

/** How many lists and objects of a payload may be inside each other. The message and the frame around it do not count. */
export const MAX_DEPTH = 1_000;

/** Names of properties that start with it are the encodings' own. */
const DOLLAR = 0x24;

/** What an encoding writes, or reads, in its own way. */
export interface PlainRules {
  /** How many lists and objects of an element may be inside each other. */
  readonly maxDepth: number;
  /**
   * Whether text need not be looked at: it is known to hold no half of a surrogate pair, or the encoding finds them by itself.
   *
   * @default {false}
   */
  readonly wellFormed?: boolean;
  /** What becomes of bytes. */
  bytes(bytes: Uint8Array): unknown;
  /** What becomes of the name of a property that starts with `$`. */
  name(name: string): string;
  /** What an object stands for, where an encoding reads; without it, or for `undefined`, the object is a value itself. */
  standsFor?(object: object): unknown;
}

/** Why a value cannot travel. */
class Refusal extends TypeError {
  /** Where it is. */
  #path = "";

  /** The error is in a value of this key. */
  within(key: string | number): this {
    this.#path = shorten(this.#path && `.${this.#path}`, key);
    return this;
  }

  /** What cannot travel, and where it is. */
  describe(): string {
    return this.#path ? `${this.message} at "${this.#path}"` : this.message;
  }
}

/** Text of the user's data is cut, and may be malformed. */
function shorten(text: string, before: unknown = ""): string {
  return toWellFormed(startOf(before + text, 64));
}

/** What getters, proxies and `toJSON` throw becomes a refusal with a cause. */
const asRefusal = (error: unknown): Refusal =>
  error instanceof Refusal ? error : new Refusal("a value that cannot be read", { cause: error });

function refuse(what: string, error: unknown): HubError {
  const refusal = asRefusal(error);
  return new HubError("BAD_REQUEST", `Cannot ${what}: it holds ${refusal.describe()}`, {
    cause: refusal.cause ?? refusal,
  });
}

/**
 * Encodes a message, with nothing in it but what travels. Most messages hold nothing else, and need no copy. Of all
 * others a copy is made, for which every value is read once: whatever `toJSON` does, what was checked is what leaves. A
 * getter or a proxy that gives something worse at its second reading hurts its own message alone: receivers check too.
 *
 * @param message A message of the wire. A payload of `undefined` at its end is left out.
 * @param rules How the encoding writes.
 * @param encode Encodes what it is given, all of which travels.
 * @throws {HubError} `BAD_REQUEST` when it holds what cannot travel.
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
 * Makes a copy of a message that holds nothing but what travels.
 *
 * @param message A message of the wire. A payload of `undefined` at its end is left out.
 * @param rules How the encoding writes.
 * @throws {HubError} `BAD_REQUEST` when it holds what cannot travel.
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
 * Reads the elements of a decoded message. What could not be sent on is not handed on either: it fails its message, and
 * nothing else of the frame.
 *
 * @param message The message. Its elements are replaced: by what they stand for, or by the `HubError`, `BAD_REQUEST`,
 * that says what is wrong.
 * @param rules How the encoding reads.
 * @param maxDepth How deep an element may be, where that is not as the rules say.
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
 * Whether what a parser of JSON made of a text without escapes is as every encoding reads it. It is of no class and
 * well-formed, so that this costs half of what a look at any other value does. It goes into lists and objects alone: a
 * call for each text and number would cost half as much again.
 *
 * @param list What was parsed.
 * @param depth How many lists and objects may be inside an element.
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
 * Makes a copy of a value that holds nothing but what travels.
 *
 * @param value The value.
 * @param rules How the encoding writes, or reads.
 * @returns `undefined` where the value, or what its `toJSON` gives, is.
 * @throws {TypeError} When it holds what cannot travel; its message says what, and where.
 */
export function toPlain(value: unknown, rules: PlainRules): unknown {
  return copy(value, rules.maxDepth, rules, "");
}

/**
 * Whether a value is as every encoding writes and reads it: what this cannot tell at a glance it leaves to
 * {@linkcode copy}, which costs three times as much. What throws at a glance, as getters may, it leaves too.
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
    if (typeof element === "string" && rules.wellFormed) continue; // most are
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
  // Asking for the prototype is not optimised everywhere. Where only the constructor's name is right, as of some
  // iterators, there are no properties.
  let mayBeOfClass = true;
  if (value.constructor !== Object && !hasPlainPrototype(value)) return false;
  // Half the cost of a list of the keys: engines know this pair of a loop and a question.
  for (const key in value) {
    if (key === "toJSON") return false; // also an inherited one
    if (!hasOwnProperty.call(value, key)) continue;
    if (key.charCodeAt(0) === DOLLAR || key === "__proto__") return false;
    if (!rules.wellFormed && hasLoneSurrogate(key)) return false;
    mayBeOfClass = false;
    const property = (value as Readonly<Record<string, unknown>>)[key];
    if (typeof property === "string" && rules.wellFormed) continue; // most are
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
  // As in JSON, the `toJSON` of what it gives does not count.
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
