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

/** What an encoding writes in its own way. */
export interface PlainRules {
  /** How many lists and objects of an element may be inside each other. */
  readonly maxDepth: number;
  /** What stands for bytes. */
  bytes(bytes: Uint8Array): unknown;
  /** What stands for the name of a property that starts with `$`. */
  name(name: string): string;
}

/** Why a value cannot travel. */
class Refusal extends TypeError {
  /** Where it is, from the inside out. */
  readonly #path: (string | number)[] = [];

  /** The error is in a value of this key. */
  within(key: string | number): this {
    if (this.#path.push(key) > MAX_PATH) this.#path.shift();
    return this;
  }

  /** What cannot travel, and where it is. */
  describe(): string {
    if (this.#path.length === 0) return this.message;
    return `${this.message} at "${toWellFormed(startOf(this.#path.slice().reverse().join("."), MAX_PATH))}"`;
  }
}

/** A path is cut here: its keys may be of the user's data. */
const MAX_PATH = 64;

/**
 * Gives a message that holds nothing but what travels. Most messages are that already, and need no copy. Of all others
 * a copy is made, for which every value is read once: whatever `toJSON` does, what was checked is what leaves. A getter or
 * a proxy that gives something worse at its second reading hurts its own message alone: receivers check too.
 *
 * @param message A message of the wire. A payload of `undefined` at its end is left out.
 * @param rules How the encoding writes.
 * @throws {HubError} `BAD_REQUEST` when it holds what cannot travel.
 */
export function toPlainMessage(message: readonly unknown[], rules: PlainRules): readonly unknown[] {
  return looksPlain(message, rules) ? message : copyMessage(message, rules);
}

/**
 * Makes a copy of a message that holds nothing but what travels: what becomes of the message later changes nothing.
 *
 * @param message A message of the wire. A payload of `undefined` at its end is left out.
 * @param rules How the encoding writes.
 * @throws {HubError} `BAD_REQUEST` when it holds what cannot travel.
 */
export function copyMessage(message: readonly unknown[], rules: PlainRules): unknown[] {
  const plain: unknown[] = [];
  for (let i = 0; i < message.length; i++) {
    let value: unknown;
    try {
      value = copy(message[i], rules.maxDepth, rules, "");
      if (value === undefined && i < message.length - 1) throw new Refusal("undefined");
    } catch (cause) {
      throw cannotEncode(message, cause);
    }
    if (value !== undefined) plain.push(value);
  }
  return plain;
}

/**
 * Makes a copy of a value that holds nothing but what travels.
 *
 * @param value The value.
 * @param rules How the encoding writes.
 * @returns `undefined` where the value, or what its `toJSON` gives, is.
 * @throws {TypeError} When it holds what cannot travel; its message says what, and where.
 */
export function toPlain(value: unknown, rules: PlainRules): unknown {
  try {
    return copy(value, rules.maxDepth, rules, "");
  } catch (error) {
    const refusal = asRefusal(error);
    throw new TypeError(`Cannot encode ${refusal.describe()}`, { cause: refusal.cause ?? refusal });
  }
}

function looksPlain(message: readonly unknown[], rules: PlainRules): boolean {
  try {
    return isPlainList(message, rules.maxDepth + 1);
  } catch {
    return false; // a getter or a proxy: the copy says what is wrong
  }
}

/**
 * Whether a value is as every encoding writes it: what this cannot tell at a glance it leaves to {@linkcode copy}.
 * Making a copy costs as much as encoding.
 */
function isPlain(value: unknown, depth: number): boolean {
  switch (typeof value) {
    case "string":
      return !hasLoneSurrogate(value);
    case "number":
      return Number.isFinite(value);
    case "boolean":
      return true;
    case "object":
      if (value === null) return true;
      if (depth === 0) return false;
      return Array.isArray(value) ? isPlainList(value, depth) : isPlainObject(value, depth - 1);
    default:
      return false;
  }
}

function isPlainList(list: readonly unknown[], depth: number): boolean {
  if ((list as { readonly toJSON?: unknown }).toJSON !== undefined) return false;
  for (let i = 0; i < list.length; i++) if (!isPlain(list[i], depth - 1)) return false;
  return true;
}

function isPlainObject(value: object, depth: number): boolean {
  if (Object.getPrototypeOf(value) !== Object.prototype) return false;
  if ((value as { readonly toJSON?: unknown }).toJSON !== undefined) return false;
  for (const key in value) {
    const first = key.charCodeAt(0);
    if (first === DOLLAR || (first === UNDERSCORE && key === "__proto__") || hasLoneSurrogate(key)) {
      return false;
    }
    if (!isPlain((value as Readonly<Record<string, unknown>>)[key], depth)) return false;
  }
  return true;
}

function copy(value: unknown, depth: number, rules: PlainRules, key: string | number): unknown {
  switch (typeof value) {
    case "string":
      if (hasLoneSurrogate(value)) throw new Refusal("text with half a surrogate pair");
      return value;
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

function copyObject(value: object, depth: number, rules: PlainRules, key: string | number): unknown {
  if (value instanceof Uint8Array) return rules.bytes(value);
  const { toJSON } = value as { readonly toJSON?: unknown };
  if (typeof toJSON === "function") {
    if (value instanceof Date && Number.isNaN(value.getTime())) throw new Refusal("an invalid date");
    const given: unknown = toJSON.call(value, String(key));
    // As in JSON, the `toJSON` of what it gives does not count.
    return typeof given === "object" && given !== null
      ? copyInside(given, depth, rules)
      : copy(given, depth, rules, key);
  }
  return copyInside(value, depth, rules);
}

function copyInside(value: object, depth: number, rules: PlainRules): unknown {
  if (depth === 0) throw new Refusal(`a value nested deeper than ${rules.maxDepth} levels, or in itself,`);
  if (Array.isArray(value)) return copyList(value, depth - 1, rules);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    const kind = Object.prototype.toString.call(value);
    if (kind === "[object Uint8Array]" && ArrayBuffer.isView(value)) { // of another realm, or given by a `toJSON`
      const { buffer, byteOffset, byteLength } = value;
      return rules.bytes(new Uint8Array(buffer, byteOffset, byteLength));
    }
    if (kind !== "[object Object]") {
      throw new Refusal(`a value of the class ${kind.slice(8, -1).slice(0, 32)}`);
    }
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
      if (hasLoneSurrogate(key)) throw new Refusal("a property's name with half a surrogate pair");
      const item = copy(value[key], depth, rules, key);
      if (item !== undefined) plain[key.charCodeAt(0) === DOLLAR ? rules.name(key) : key] = item;
    }
  } catch (error) {
    throw asRefusal(error).within(key);
  }
  return plain;
}

const DOLLAR = "$".charCodeAt(0);
const UNDERSCORE = "_".charCodeAt(0);

/** What getters, proxies and `toJSON` throw becomes a refusal with a cause. */
const asRefusal = (error: unknown): Refusal =>
  error instanceof Refusal ? error : new Refusal("a value that throws", { cause: error });

/**
 * The error about a message that cannot be encoded.
 *
 * @param message The message.
 * @param error Why.
 */
export function cannotEncode(message: readonly unknown[], error: unknown): HubError {
  const name = message.find((element, i) => i > 0 && typeof element === "string") ?? message[0];
  const refusal = asRefusal(error);
  const text = `Cannot encode the payload of "${
    toWellFormed(startOf(String(name), MAX_PATH))
  }": it holds ${refusal.describe()}`;
  return new HubError("BAD_REQUEST", text, { cause: refusal.cause ?? refusal });
}
