/**
 * JSON that carries bytes: a `Uint8Array` anywhere in a value is written as `{"$bytes":"…"}` in base64. A property of
 * that very name is written with one `$` more, so that nothing that a user sends is mistaken for bytes.
 *
 * @module
 */

const BYTES = "$bytes";
const RESERVED = /^\$+bytes$/;
const ESCAPED = /^\$\$+bytes$/;

/** How deep a value may be nested. Deeper ones overflow the stack of whatever walks them, schemas included. */
export const MAX_DEPTH = 1_000;

/** Whether a value holds bytes, or a property that could be taken for them. */
function needsCare(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (value instanceof Uint8Array) return true;
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return false;
  if (depth === 0) throw new RangeError(`Nested deeper than ${MAX_DEPTH} levels, or in itself`);
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i++) if (needsCare(value[i], depth - 1)) return true;
    return false;
  }
  for (const key in value) {
    if (key.endsWith(BYTES) && RESERVED.test(key)) return true;
    if (needsCare((value as Record<string, unknown>)[key], depth - 1)) return true;
  }
  return false;
}

function toBase64(bytes: Uint8Array): string {
  const native = (bytes as { toBase64?: () => string }).toBase64;
  if (native) return native.call(bytes);
  let binary = "";
  // `apply` takes so many arguments on every engine.
  for (let i = 0; i < bytes.length; i += 8_192) {
    binary += String.fromCharCode(...bytes.subarray(i, i + 8_192));
  }
  return btoa(binary);
}

function fromBase64(text: string): Uint8Array<ArrayBuffer> {
  const { fromBase64: native } = Uint8Array as { fromBase64?: (text: string) => Uint8Array<ArrayBuffer> };
  return native ? native.call(Uint8Array, text) : Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
}

function write(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return { [BYTES]: toBase64(value) };
  if (typeof (value as { toJSON?: unknown }).toJSON === "function") return value;
  if (Array.isArray(value)) return value.map(write);
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [RESERVED.test(key) ? `$${key}` : key, write(item)]),
  );
}

function read(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(read);
  const entries = Object.entries(value);
  const [[key, text] = []] = entries;
  if (entries.length === 1 && key === BYTES && typeof text === "string") return fromBase64(text);
  return Object.fromEntries(
    entries.map(([key, item]) => [ESCAPED.test(key) ? key.slice(1) : key, read(item)]),
  );
}

/**
 * Writes a value.
 *
 * @param value What JSON can carry, and bytes.
 * @throws {TypeError} When the value holds what JSON cannot carry.
 * @throws {RangeError} When it is nested deeper than {@linkcode MAX_DEPTH}, or in itself.
 *
 * @example
 * ```ts
 * import { readJson, writeJson } from "@trunkline/hub/contract";
 * import { assertEquals } from "@std/assert";
 *
 * const text = writeJson({ name: "dot.png", data: new Uint8Array([1, 2, 3]) });
 * assertEquals(text, '{"name":"dot.png","data":{"$bytes":"AQID"}}');
 * assertEquals(readJson(text), { name: "dot.png", data: new Uint8Array([1, 2, 3]) });
 * ```
 */
export function writeJson(value: unknown): string {
  return JSON.stringify(needsCare(value, MAX_DEPTH) ? write(value) : value);
}

/**
 * Reads a value.
 *
 * @param text What {@linkcode writeJson} wrote, or any JSON.
 * @throws {SyntaxError} When the text is not JSON, or bytes in it are not base64.
 * @throws {RangeError} When it is nested deeper than {@linkcode MAX_DEPTH}.
 */
export function readJson(text: string): unknown {
  const value: unknown = JSON.parse(text);
  // Every level takes two characters, so short texts need no look.
  if (text.length > 2 * MAX_DEPTH) checkDepth(value, MAX_DEPTH);
  return text.includes(`${BYTES}"`) ? read(value) : value;
}

/**
 * Refuses a value that is nested too deep.
 *
 * @param value What was decoded.
 * @param depth How deep it may be.
 * @throws {RangeError} When it is deeper.
 */
function checkDepth(value: unknown, depth: number): void {
  if (typeof value !== "object" || value === null || value instanceof Uint8Array) return;
  if (depth === 0) throw new RangeError(`Nested deeper than ${MAX_DEPTH} levels`);
  if (Array.isArray(value)) { for (const item of value) checkDepth(item, depth - 1); }
  else for (const key in value) checkDepth((value as Record<string, unknown>)[key], depth - 1);
}
