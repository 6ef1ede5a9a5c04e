/**
 * Runs all cases. They take turns for several rounds, so that a busy moment of the machine affects all of them.
 *
 * @module
 */

import { Budget } from "../budget.ts";
import { startBrokers } from "../cluster/brokers.ts";
import { nameOf } from "../cluster/compare.ts";
import type { Runtime } from "../runtimes.ts";
import type { RecoveryCandidate } from "./candidates.ts";
import type { Repetitions } from "../study.ts";
import type { RecoveryScene } from "./measure.ts";

/** A case to measure. */
export interface Case {
  readonly candidate: RecoveryCandidate;
  readonly nodes: number;
}

/** A case, and its results. */
export interface MeasuredCase<C extends Case, Outcome> {
  readonly which: C;
  readonly outcomes: readonly Outcome[];
}

/** The server of a row. */
export interface RecoveryRow {
  readonly server: string;
  readonly runtime: string;
  /** `"trunkline"`, `"control"` or `"peer"`. */
  readonly peer: string;
  readonly adapter: string;
  readonly nodes: number;
  readonly repetitions: number;
}

/** Names the server of a row. */
export function whoIs<C extends Case>({ which, outcomes }: MeasuredCase<C, unknown>): RecoveryRow {
  const { candidate: { server, runtime, kind: peer, adapter }, nodes } = which;
  return { server, runtime, peer, adapter, nodes, repetitions: outcomes.length };
}

/**
 * Compares cases.
 *
 * @param bench The name of the benchmark, for the texts of failures.
 * @param cases The cases.
 * @param measure Measures a case once.
 * @param paths The paths of the runtimes.
 * @param say Called with each line for the terminal.
 * @param effort How often each case is measured, and for how long.
 * @param together How many cases are measured at the same time: more than one if the load is light.
 * @returns The results, and the failed measurements of Trunkline.
 */
export async function compareRecovery<C extends Case, Outcome>(
  bench: string,
  cases: readonly C[],
  measure: (which: C, scene: RecoveryScene) => Promise<Outcome>,
  paths: Readonly<Partial<Record<Runtime, string>>>,
  say: (line: string) => void,
  { repetitions, withinMs }: Repetitions,
  together = 1,
): Promise<{ readonly measured: MeasuredCase<C, Outcome>[]; readonly faults: readonly string[] }> {
  const wanted = cases.filter(({ candidate }) => paths[candidate.runtime]);
  const brokers = await startBrokers(
    new Set(wanted.flatMap(({ candidate: { broker } }) => broker ? [broker] : [])),
    { durable: true },
  );
  for (const missing of brokers.missing) say(`Skipped: everything on ${missing}`);
  const faults: string[] = [];
  try {
    const measured = wanted
      .filter(({ candidate: { broker } }) => !broker || brokers.running[broker])
      .map((which) => ({ which, outcomes: [] as Outcome[] }));
    const budget = new Budget(withinMs);
    const measureOne = async (row: (typeof measured)[number]): Promise<void> => {
      const { which, outcomes } = row;
      const { candidate, nodes } = which;
      const url = candidate.broker && brokers.running[candidate.broker]!.url;
      try {
        await budget.spend(row, candidate.kind, async () => {
          outcomes.push(await measure(which, { paths, url }));
        });
      } catch (error) {
        const what = `${bench}: ${nameOf(candidate)}, ${nodes} nodes: ${(error as Error).message}`;
        say(what);
        if (candidate.kind === "trunkline") faults.push(what);
      }
    };
    for (const _round of budget.rounds(repetitions)) {
      const waiting = [...measured];
      const lane = async () => {
        for (let next = waiting.shift(); next; next = waiting.shift()) await measureOne(next);
      };
      await Promise.all(Array.from({ length: together }, lane));
    }
    return { measured: measured.filter(({ outcomes }) => outcomes.length > 0), faults };
  } finally {
    await brokers.stop();
  }
}
