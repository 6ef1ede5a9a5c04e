/**
 * Prints the traces of some runs, so that two runtimes can be compared.
 *
 * @module
 */

import { drawScenario } from "./scenario.ts";
import { simulate } from "./simulate.ts";
import { SYSTEMS } from "./systems.ts";

/** How many seeds of each system: each has thousands of steps that would have to differ. */
const SEEDS = 15;

for (const system of SYSTEMS) {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const { trace, delivered, violation } = await simulate(drawScenario({ seed }, system), system);
    console.log(system.name, seed, trace, delivered, violation?.error.message ?? "kept");
  }
}
