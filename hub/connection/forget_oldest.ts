/**
 * Bounds the size of a map.
 *
 * @module
 */

/**
 * Removes the oldest entries of a map.
 *
 * @param map The map.
 * @param max How many entries may stay.
 */
export function forgetOldest(map: Map<string, unknown>, max: number): void {
  for (const id of map.keys()) {
    if (map.size <= max) return;
    map.delete(id);
  }
}
