/** The torture of Redis, in short; `deno task torture` is the long one, and takes other stores. */
import { assert, assertEquals, assertGreater } from "@std/assert";
import process from "node:process";
import { runtime, test } from "../harness.ts";
import { describeOutcome } from "./report.ts";
import { drawSchedule } from "./schedule.ts";
import { torture } from "./torture.ts";

const EXTENT = { seed: 189, seconds: 24, nodes: 3, clients: 24, topics: 12, subscriptions: 3, rate: 200 };

test(
  "torture: messages that Redis keeps come once and in order, or their loss is told, whatever is killed and frozen",
  async () => {
    const kinds = new Set(drawSchedule(EXTENT, 1).faults.map(({ whom, what }) => `${what} ${whom}`));
    assertEquals(kinds.size, 6, "every fault there is");
    const lines: string[] = [];
    const outcome = await torture({
      ...EXTENT,
      store: "redis",
      runtimes: [{ name: runtime, path: process.execPath }],
      say: (line) => lines.push(line),
    });
    const told = [...lines, describeOutcome(outcome)].join("\n");
    assertEquals(outcome.violations, [], told);
    const { counts, acknowledged } = outcome;
    assertGreater(acknowledged, 500, told);
    assertGreater(counts.deliveries!, acknowledged, told);
    assertGreater(counts.replays!, 0, told);
    assert(counts.claimsTrue! > 0 && counts.claimsFalse! > 0, told);
  },
  { timeoutMs: 300_000 },
);
