import { runtime, test } from "../harness.ts";
import { assertKept } from "./keep.ts";
import { SYSTEMS } from "./systems.ts";

/**
 * A few seeds of each; `seeds_soak_test.ts` runs others. A seed is the same run on Deno and on Bun, which
 * `tests/tools/sim_test.ts` shows: fewer are enough to see that Bun runs them.
 */
const RUNS = runtime === "deno" ? 50 : 10;

for (const system of SYSTEMS) {
  for (const network of ["adapter", "hostile"] as const) {
    test(`${system.name} comes to the truth whatever went wrong, on the ${network} network`, async () => {
      await assertKept(system, { from: 1, to: 1 + RUNS, network });
    });
  }
}
