/**
 * Tells what came of a torture.
 *
 * @module
 */

import type { Outcome } from "./torture.ts";

/** How many violations are told in full. */
const TOLD = 20;

function table(title: string, rows: Readonly<Record<string, number>>): string[] {
  const entries = Object.entries(rows);
  if (entries.length === 0) return [];
  return [title, ...entries.map(([name, count]) => `  ${count.toLocaleString("en").padStart(12)}  ${name}`)];
}

/** Writes the report. */
export function describeOutcome(outcome: Outcome): string {
  const { violations, gaps, needless, acknowledged, refused, inSeveralEpochs } = outcome;
  return [
    ...table("Counts", { ...outcome.counts, acknowledged, refused, "in several epochs": inSeveralEpochs }),
    ...table("Why listeners were told of a gap", gaps),
    ...needless.slice(0, TOLD).map(({ client, topic, before, after, toldAt }) =>
      `  needless at ${new Date(toldAt).toISOString()}: client ${client} on ${topic}, from ${
        before?.join(" ")
      } to ${after?.join(" ")}`
    ),
    ...table("Publishes that failed, and were sent again", outcome.failures),
    ...table("Reports of nodes that ended by themselves", outcome.nodeErrors),
    ...table("Reports of clients", outcome.clientErrors),
    violations.length === 0 ? "No violation" : `${violations.length} violations`,
    ...violations.slice(0, TOLD),
  ].join("\n");
}
