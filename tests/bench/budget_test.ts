import { assertEquals, assertGreater, assertLess } from "@std/assert";
import { Budget } from "../../bench/budget.ts";
import { candidates } from "../../bench/candidates.ts";
import { measure } from "../../bench/measure.ts";
import { findRuntimes } from "../../bench/runtimes.ts";
import { runtime, test } from "../harness.ts";

/** Measures rows that take so many seconds each, and tells how often each was measured. */
async function measured(
  withinS: number | undefined,
  rows: readonly (readonly ["trunkline" | "control" | "peer", number])[],
): Promise<number[]> {
  let now = 0;
  const counts = rows.map(() => 0);
  const budget = new Budget(withinS && withinS * 1_000, () => now);
  for (const _round of budget.rounds(5)) {
    for (const [i, row] of rows.entries()) {
      await budget.spend(row, row[0], () => {
        counts[i]!++;
        now += row[1] * 1_000;
        return Promise.resolve();
      });
    }
  }
  return counts;
}

test("bench: without a limit every row of ours is measured as often as it should be, and slow peers less often", async () => {
  assertEquals(await measured(undefined, [["trunkline", 60], ["control", 2], ["peer", 6]]), [5, 3, 1]);
});

test("bench: a round begins only if there is time for it, with the rows that are still in it", async () => {
  assertEquals(await measured(40, [["trunkline", 5], ["peer", 15]]), [5, 1], "15 s are only in the first");
  assertEquals(await measured(39, [["trunkline", 5], ["peer", 15]]), [4, 1]);
  assertEquals(
    await measured(1, [["trunkline", 5], ["control", 1]]),
    [1, 1],
    "the first round always begins",
  );
});

const SLOW = "bench: a server that is too slow for a burst gets a smaller one";
if (runtime !== "deno") test.skip(SLOW, "needs Deno, which runs the benchmarks");
else {
  test(SLOW, async () => {
    const candidate = candidates.find((one) => one.server === "loop of sends" && one.runtime === runtime)!;
    const order = { shape: "fanout", clients: 32, messages: 640, leastMs: 1 } as const; // so 4 ms are too long
    const { delivered, expected, ordered } = await measure(candidate, order, await findRuntimes());
    assertEquals({ delivered, ordered }, { delivered: expected, ordered: true });
    assertLess(expected, 32 * 32 * 640);
    assertGreater(expected, 0);
  });
}
