import { assertEquals } from "@std/assert";
import { clusterCandidates } from "../../bench/cluster/candidates.ts";
import {
  clusterFaults,
  type ClusterRow,
  type InterestRow,
  toCrossnodeRow,
  toInterestRow,
} from "../../bench/cluster/rows.ts";
import { TurnWatch } from "../../bench/load/order.ts";
import { test } from "../harness.ts";

const same = (value: number) => ({ median: value, min: value, max: value });

function row(part: Partial<ClusterRow & InterestRow>): ClusterRow {
  return {
    bench: "b",
    server: "trunkline",
    runtime: "deno",
    peer: "trunkline",
    adapter: "redis",
    nodes: 2,
    repetitions: 1,
    deliveriesPerSecond: same(1),
    deliveriesPerCpuSecond: same(1),
    messagesPerFrame: same(1),
    serversBusy: same(1),
    loadClientBusy: same(1),
    delivered: 10,
    expected: 10,
    ordered: true,
    rssMb: same(1),
    ...part,
  };
}

const measured = (over: object) => ({
  delivered: 90,
  expected: 90,
  ordered: true,
  ms: 1_000,
  cpuMs: 500,
  loadCpuMs: 100,
  frames: 9,
  rss: [1e6, 2e6],
  ...over,
});

/** Watches numbers that two senders say in turn, five in all, from 100 on. */
function watch(...sequences: readonly number[]): boolean {
  const watch = new TurnWatch(100, 2);
  for (const sequence of sequences) watch.take(sequence);
  return watch.ordered(5);
}

test("bench: messages that senders send in turn count as ordered if each sender's are, in any mixture", () => {
  assertEquals(watch(100, 101, 102, 103, 104), true);
  assertEquals(watch(101, 103, 100, 102, 104), true);
  assertEquals(watch(99, 100, 98, 101, 102, 103, 104), true, "an earlier round's are ignored");
});

test("bench: missing messages, duplicates and wrong order are noticed for senders in turn", () => {
  assertEquals(watch(), false);
  assertEquals(watch(100, 101, 102, 103), false);
  assertEquals(watch(100, 101, 103, 104), false);
  assertEquals(watch(102, 100, 101, 103, 104), false);
  assertEquals(watch(100, 100, 101, 102, 103, 104), false);
  assertEquals(watch(100, 101, 102, 103, 104, 105, 106), false);
});

test("bench: lost, disordered and unwanted messages of a cluster are a fault of Trunkline's, and a figure of a peer's", () => {
  const bad = [{ delivered: 9 }, { delivered: 11 }, { ordered: false }, { unwanted: 1 }];
  for (const part of bad) {
    assertEquals(clusterFaults([row(part)]).length, 1, JSON.stringify(part));
    assertEquals(clusterFaults([row({ ...part, peer: "peer" })]), []);
  }
  assertEquals(clusterFaults([row({}), row({ unwanted: 0 })]), []);
});

test("bench: a cluster's row has the worst repetition's losses, paced or not, and the largest node's memory", () => {
  const [candidate] = clusterCandidates;
  const latencies = { p50: 1, p95: 2, p99: 3 };
  const outcomes = [
    measured({ latencies, window: 32, paced: { delivered: 10, expected: 10 } }),
    measured({ latencies, window: 32, paced: { delivered: 8, expected: 10 } }),
  ] as never;
  const { delivered, expected, rssMb, deliveriesPerSecond, p99Ms, messagesPerFrame } = toCrossnodeRow({
    candidate: candidate!,
    nodes: 2,
    outcomes,
  });
  assertEquals({ delivered, expected }, { delivered: 98, expected: 100 });
  assertEquals([rssMb, deliveriesPerSecond, p99Ms, messagesPerFrame], [2, 90, 3, 10].map(same));
});

test("bench: a row of interest has the repetition with most unwanted messages, and Redis' bytes only if Redis was asked", () => {
  const [candidate] = clusterCandidates;
  const outcome = (unwanted: number, redisBytes?: number) =>
    measured({ published: 90, wanted: 60, unwanted, ...(redisBytes && { redisBytes }) });
  const of = (...outcomes: object[]) =>
    toInterestRow({ candidate: candidate!, nodes: 4, outcomes: outcomes as never });
  assertEquals(of(outcome(0), outcome(5), outcome(1)).unwanted, 5);
  assertEquals(of(outcome(0, 2e6)).redisMb, same(2));
  assertEquals("redisMb" in of(outcome(0)), false);
});
