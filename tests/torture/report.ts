/**
 * Tells what came of a torture.
 *
 * @module
 */

import type { Extent } from "./schedule.ts";
import type { Outcome } from "./torture.ts";
import type { StoreName } from "./words.ts";

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

/**
 * Writes the result in one line, to compare stores and runs by. What is kept is less than what was asked for where the store was away:
 * so many messages wait at the most, and some that were refused are not published again.
 *
 * @param store What was tortured.
 * @param extent By how much.
 * @param outcome What came of it.
 */
export function resultLine(store: StoreName, extent: Extent, outcome: Outcome): string {
  const { seed, seconds, nodes, clients, topics, rate } = extent;
  const { counts, acknowledged, refused, violations, needless } = outcome;
  const { published = 0, deliveries = 0, replays = 0, claimsFalse = 0 } = counts;
  const count = (name: string, number: number) => `${number.toLocaleString("en")} ${name}`;
  return [
    `RESULT ${store} --seed ${seed}: ${seconds} s, ${nodes} nodes, ${clients} clients, ${topics} topics`,
    count("asked", seconds * rate),
    `${count("published", published)} (${(published / seconds).toFixed(0)}/s)`,
    count("kept", acknowledged),
    count("refused", refused),
    `${count("deliveries", deliveries)} (${count("replayed", replays)})`,
    `${count("gaps told", claimsFalse)} (${count("needless", needless.length)})`,
    count("violations", violations.length),
  ].join("; ");
}
