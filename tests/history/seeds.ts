/**
 * Models that are run seed after seed.
 *
 * @module
 */

/** How many steps a seed has. */
const STEPS = 50;

/**
 * Runs seeds; of one that fails it looks for the fewest steps that fail.
 *
 * @param count How many, from 1 on.
 * @param run Runs one with so many steps; rejects when it fails.
 */
export async function runSeeds(
  count: number,
  run: (seed: number, steps: number) => Promise<void>,
): Promise<void> {
  for (let seed = 1; seed <= count; seed++) {
    try {
      await run(seed, STEPS);
    } catch (failure) {
      for (let steps = 1; steps < STEPS; steps++) {
        try {
          await run(seed, steps);
        } catch (cause) {
          throw new Error(`Seed ${seed} fails after ${steps} of ${STEPS} steps`, { cause });
        }
      }
      throw new Error(`Seed ${seed} fails after ${STEPS} steps`, { cause: failure });
    }
  }
}
