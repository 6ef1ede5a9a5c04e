/**
 * How the properties of these tests are run.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import process from "node:process";

/** Fixed, so that every run tries the same values; `FC_SEED` tries others. */
const SEED = Number(process.env.FC_SEED ?? 20_260_720);

/**
 * The parameters for fast-check's `assert`.
 *
 * @param numRuns How many values are tried.
 */
export const runs = (numRuns = 300): { readonly seed: number; readonly numRuns: number } => ({
  seed: SEED,
  numRuns,
});

const WATCHED: readonly object[] = [Object, Array, Function, String, Number, Boolean, Map, Promise, Error]
  .map(({ prototype }) => prototype);
const BEFORE = WATCHED.map((prototype) => Reflect.ownKeys(prototype));

/** Fails when anything has been put on, or taken off, a prototype that all values share. */
export function assertPrototypesUntouched(): void {
  assertEquals(WATCHED.map((prototype) => Reflect.ownKeys(prototype)), BEFORE);
  for (const prototype of WATCHED.slice(1)) {
    const parent = Object.getPrototypeOf(prototype);
    assertEquals(parent === Object.prototype, true, "a prototype was put under another one");
  }
}
