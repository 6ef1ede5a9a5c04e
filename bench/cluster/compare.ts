/**
 * Runs all candidates. They take turns for several rounds, so that a busy moment of the machine affects all of them.
 *
 * @module
 */

import type { Runtime } from "../runtimes.ts";
import { Budget } from "../budget.ts";
import type { Effort } from "../study.ts";
import { type Brokers, startBrokers } from "./brokers.ts";
import { clusterCandidates, type NodeCandidate } from "./candidates.ts";
import { type ClusterTask, measureCluster } from "./measure.ts";

/** What to compare. */
export interface Comparison {
  /** The sizes of the clusters, in nodes. */
  readonly sizes: readonly number[];
  readonly task: ClusterTask;
}

/** A candidate with clusters of one size, and its results. */
export interface Measured<Outcome> {
  readonly candidate: NodeCandidate;
  readonly nodes: number;
  readonly outcomes: readonly Outcome[];
}

/** The name of a candidate. */
export const nameOf = (
  { server, runtime, adapter }: Pick<NodeCandidate, "server" | "adapter"> & { readonly runtime: string },
): string => `${server}, ${adapter} (${runtime})`;

/**
 * Compares candidates.
 *
 * @param comparison The comparison.
 * @param paths The paths of the runtimes.
 * @param say Called with each line for the terminal.
 * @param effort How much to measure.
 * @returns The results, and the failed measurements of Trunkline.
 */
export async function compare<Outcome>(
  { sizes, task }: Comparison,
  paths: Readonly<Partial<Record<Runtime, string>>>,
  say: (line: string) => void,
  { quick, repetitions, withinMs }: Effort,
): Promise<{ readonly measured: Measured<Outcome>[]; readonly faults: readonly string[] }> {
  const wanted = clusterCandidates.filter(({ runtime, quickly, only = task.shape }) =>
    paths[runtime] && only === task.shape && (!quick || quickly)
  );
  const brokers: Brokers = await startBrokers(new Set(wanted.map(({ broker }) => broker)));
  for (const missing of brokers.missing) say(`Skipped: everything on ${missing}`);
  const faults: string[] = [];
  try {
    const measured = wanted.filter(({ broker }) => brokers.running[broker]).flatMap((candidate) =>
      sizes.map((nodes) => ({ candidate, nodes, outcomes: [] as Outcome[] }))
    );
    const began = performance.now();
    const budget = new Budget(withinMs);
    for (const round of budget.rounds(repetitions)) {
      if (round > 0) {
        const seconds = Math.round((performance.now() - began) / 1_000);
        say(`(measured ${round} of ${repetitions} times, after ${seconds} s)`);
      }
      for (const row of measured) {
        const { candidate, nodes, outcomes } = row;
        const scene = { paths, broker: brokers.running[candidate.broker]! };
        try {
          await budget.spend(row, candidate.kind, async () => {
            outcomes.push(await measureCluster<Outcome>(candidate, nodes, task, scene));
          });
        } catch (error) {
          const what = `${task.shape}: ${nameOf(candidate)}, ${nodes} nodes: ${(error as Error).message}`;
          say(what);
          if (candidate.kind === "trunkline") faults.push(what);
        }
      }
    }
    return { measured: measured.filter(({ outcomes }) => outcomes.length > 0), faults };
  } finally {
    await brokers.stop();
  }
}
