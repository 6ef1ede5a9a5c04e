/**
 * Whether two states are the same: what arrives again with a whole state is no news.
 *
 * @module
 */

/**
 * Compares lists and plain objects by what is in them, and everything else by identity: what cannot be told to be the
 * same counts as another.
 */
export function isSameState(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
  const prototype = Object.getPrototypeOf(a);
  if (prototype !== Object.getPrototypeOf(b)) return false;
  if (prototype !== Object.prototype && prototype !== Array.prototype) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) =>
    Object.hasOwn(b, key) &&
    isSameState((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key])
  );
}
