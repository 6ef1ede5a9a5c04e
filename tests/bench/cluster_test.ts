import { assertEquals, assertGreater } from "@std/assert";
import process from "node:process";
import { clusterCandidates } from "../../bench/cluster/candidates.ts";
import { quickCrossnode } from "../../bench/cluster/crossnode.ts";
import { quickInterest } from "../../bench/cluster/interest.ts";
import { type ClusterTask, measureCluster } from "../../bench/cluster/measure.ts";
import { clusterFaults, toCrossnodeRow, toInterestRow } from "../../bench/cluster/rows.ts";
import { findRuntimes } from "../../bench/runtimes.ts";
import { runtime, test } from "../harness.ts";

const url = process.env.REDIS_URL;
const NODES = 3;

/** Measures Trunkline on the runtime that is running. */
async function measure<Outcome>(task: ClusterTask) {
  const candidate = clusterCandidates.find((candidate) =>
    candidate.server === "trunkline" && candidate.adapter === "redis" && candidate.runtime === runtime
  )!;
  const broker = { url: url!, redisPorts: [Number(new URL(url!).port)] };
  const outcome = await measureCluster<Outcome>(candidate, NODES, task, {
    paths: await findRuntimes(),
    broker,
  });
  return { candidate, nodes: NODES, outcomes: [outcome] };
}

const CROSSNODE =
  "bench: messages from one node of a cluster are measured on the others, all of them, in order";
const INTEREST = "bench: messages to nodes without a subscriber are counted, and there are none";

if (!url) {
  for (const title of [CROSSNODE, INTEREST]) test.skip(title, "needs Redis: REDIS_URL is not set");
} else {
  test(CROSSNODE, async () => {
    const row = toCrossnodeRow(await measure(quickCrossnode));
    assertEquals(clusterFaults([row]), []);
    assertEquals(row.delivered, row.expected);
    const { bench, server, peer, adapter, nodes, ordered } = row;
    assertEquals(
      { bench, server, peer, adapter, nodes, ordered },
      {
        bench: "crossnode",
        server: "trunkline",
        peer: "trunkline",
        adapter: "redis",
        nodes: NODES,
        ordered: true,
      },
    );
    const { deliveriesPerSecond, deliveriesPerCpuSecond, messagesPerFrame, p50Ms, p95Ms, p99Ms, rssMb } = row;
    const figures = {
      deliveriesPerSecond,
      deliveriesPerCpuSecond,
      messagesPerFrame,
      p50Ms,
      p95Ms,
      p99Ms,
      rssMb,
    };
    for (const [name, { median, min, max }] of Object.entries(figures)) {
      for (const value of [median, min, max]) assertGreater(value, 0, name);
    }
  });

  test(INTEREST, async () => {
    const row = toInterestRow(await measure(quickInterest));
    assertEquals(clusterFaults([row]), []);
    assertEquals(row.unwanted, 0);
    assertEquals(row.delivered, row.published);
    assertGreater(row.wanted, 0, "without this, nothing was counted");
    assertGreater(row.redisMb!.median, 0);
  });
}
