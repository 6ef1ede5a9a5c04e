import { runtime, test } from "../harness.ts";
import { assertKept } from "./keep.ts";
import { SYSTEMS } from "./systems.ts";

/**
 * How many seeds of each system on each network: `deno task sim --seeds` plays as many more as one likes. Bun runs the same
 * runs: fewer are enough to see that it does.
 */
const RUNS = runtime === "deno" ? 70 : 10;
/** How many seeds of fifty nodes, and of a hundred. */
const LARGE = runtime === "deno" ? 3 : 1;
const LARGEST = runtime === "deno" ? 2 : 1;
const timeoutMs = 300_000;

for (const system of SYSTEMS) {
  for (const network of ["adapter", "hostile"] as const) {
    test(`${system.name}, seed after seed on the ${network} network`, async () => {
      await assertKept(system, { from: 1_000, to: 1_000 + RUNS, network });
    }, { timeoutMs });
  }

  test(`${system.name} of fifty nodes, seed after seed`, async () => {
    await assertKept(system, { from: 1, to: 1 + LARGE, nodes: 50 });
  }, { timeoutMs });
}

test("membership of a hundred nodes, seed after seed", async () => {
  await assertKept(SYSTEMS[0]!, { from: 1, to: 1 + LARGEST, nodes: 100, wire: false });
}, { timeoutMs });
