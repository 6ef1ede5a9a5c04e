/**
 * A random walk that is the same on every node: a price follows from the seed and the tick's number. So the next node that
 * publishes continues exactly where the last one stopped.
 *
 * @module
 */

/** Each octave is half as long and about half as high as the one before, as in a random walk. */
const OCTAVES = 9;
const LONGEST = 512;

/** Computes a pseudo-random number from -1 to 1 from a text and a position. */
function noise(seed: string, position: number): number {
  // FNV-1a, with the finaliser of MurmurHash3 for its low bits.
  let hash = 0x811c9dc5;
  for (const char of `${seed}/${position}`) hash = Math.imul(hash ^ char.codePointAt(0)!, 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x7fffffff - 1;
}

/** Computes the noise between whole positions, on a smooth line through them. */
function smoothNoise(seed: string, position: number): number {
  const before = Math.floor(position);
  const t = position - before;
  const left = noise(seed, before);
  return left + (noise(seed, before + 1) - left) * t * t * (3 - 2 * t);
}

/**
 * The price of a symbol.
 *
 * @param seed The seed of the run.
 * @param symbol The symbol.
 * @param n The tick's number.
 */
export function priceAt(seed: string, symbol: string, n: number): number {
  const start = 60 + 60 * (noise(symbol, 0) + 1);
  let change = 0;
  for (let octave = 0; octave < OCTAVES; octave++) {
    const name = `${seed}/${symbol}/${octave}`;
    change += smoothNoise(name, n / (LONGEST >> octave)) * 0.6 ** octave;
  }
  return Math.round(start * (1 + change * 0.03) * 100) / 100;
}
