import { assertEquals } from "@std/assert";
import process from "node:process";
import { quickCrossnode } from "../../bench/cluster/crossnode.ts";
import { measureCluster } from "../../bench/cluster/measure.ts";
import type { CrossnodeOutcome } from "../../bench/load/crossnode.ts";
import { historyCandidates } from "../../bench/recovery/candidates.ts";
import { historyFaults, toHistoryRows } from "../../bench/recovery/history_rows.ts";
import { findRuntimes } from "../../bench/runtimes.ts";
import { runtime, test } from "../harness.ts";

/** Measures both topics on the runtime that is running; what is at fault. */
async function faultsOf(adapter: string, nodes: number, url = ""): Promise<string[]> {
  const candidate = historyCandidates.find((candidate) =>
    candidate.adapter === adapter && candidate.runtime === runtime
  )!;
  const scene = { paths: await findRuntimes(), broker: { url, redisPorts: [] } };
  const measure = (dialect: string) =>
    measureCluster<CrossnodeOutcome>({ ...candidate, dialect }, nodes, quickCrossnode, scene);
  const pair = { "plain": await measure("trunkline"), "with history": await measure("history") };
  return historyFaults(toHistoryRows({ which: { candidate, nodes }, outcomes: [pair] }));
}

test("bench: all of a topic with history is counted on one node, in order, as all of a plain one is", async () => {
  assertEquals(await faultsOf("memory", 1), []);
});

const ON_OTHERS = "bench: all of a topic with history is counted on the other nodes";
const url = process.env.REDIS_URL;
if (!url) test.skip(ON_OTHERS, "needs Redis: REDIS_URL is not set");
else test(ON_OTHERS, async () => assertEquals(await faultsOf("redis", 2, url), []));
