/**
 * Random numbers that are the same in every run.
 *
 * @module
 */

/**
 * Creates a generator of numbers from 0 up to 1 (mulberry32, by Tommy Ettinger).
 *
 * @param seed The seed.
 */
export function seeded(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6D2B79F5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
