/**
 * Compares two states. A state that arrives again with a whole state is not a change.
 *
 * @module
 */

/**
 * Compares lists and plain objects by their content, and all other values by identity. If it cannot tell whether they
 * are equal, the states count as different.
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
