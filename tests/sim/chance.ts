/**
 * Chance for the parts of a run.
 *
 * @module
 */

import { Random } from "../load/random.ts";

/** Chance for one part of a run: no part moves the numbers of another. */
export const chanceFor = (seed: number, part: number): Random =>
  new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(part + 1, 0x85ebca6b));
