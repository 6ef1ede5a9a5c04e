/**
 * Tells of failing runs in words, with the command that plays them again.
 *
 * @module
 */

import { describeFault } from "./describe_fault.ts";
import { drawScenario, type RunOptions, type Scenario } from "./scenario.ts";
import { shrink, type Shrunk } from "./shrink.ts";
import { simulate } from "./simulate.ts";
import type { System } from "./system.ts";
import { describeOperation } from "./workload.ts";

/** The result of many runs. */
export interface Campaign {
  /** How many runs there were. */
  runs: number;
  /** How many nodes they had in all. */
  nodes: number;
  /** How many faults there were. */
  faults: number;
  /** How many operations of users. */
  operations: number;
  /** How many messages arrived. */
  delivered: number;
  /** How many messages were lost. */
  lost: number;
  /** The longest time from the last fault until all views were true, in milliseconds. */
  slowestMs: number;
  /** The runs that failed, cut down. */
  readonly failures: { readonly scenario: Scenario; readonly shrunk: Shrunk }[];
}

/** Which runs a campaign has. */
export interface CampaignOptions extends Omit<RunOptions, "seed"> {
  /** The first seed. */
  readonly from: number;
  /** The seed after the last one. */
  readonly to: number;
  /** After how many failures it ends. */
  readonly maxFailures?: number;
  /** Called after each run with the number of runs. */
  onRun?(runs: number): void;
}

/** Runs many seeds, and cuts down those that fail. */
export async function campaign(system: System, options: CampaignOptions): Promise<Campaign> {
  const { from, to, maxFailures = 1, onRun, ...given } = options;
  const sum: Campaign = {
    runs: 0,
    nodes: 0,
    faults: 0,
    operations: 0,
    delivered: 0,
    lost: 0,
    slowestMs: 0,
    failures: [],
  };
  for (let seed = from; seed < to && sum.failures.length < maxFailures; seed++) {
    const scenario = drawScenario({ ...given, seed }, system);
    const outcome = await simulate(scenario, system);
    sum.runs++;
    sum.nodes += scenario.nodes;
    sum.faults += scenario.faults.length;
    sum.operations += scenario.operations.length;
    sum.delivered += outcome.delivered;
    sum.lost += outcome.lost;
    sum.slowestMs = Math.max(sum.slowestMs, (outcome.convergedAt ?? 0) - scenario.quietAt);
    if (outcome.violation) sum.failures.push({ scenario, shrunk: await shrink(scenario, system) });
    onRun?.(sum.runs);
  }
  return sum;
}

/** Describes a campaign in one line. */
export function describeCampaign(system: System, sum: Campaign): string {
  const { runs, nodes, faults, operations, delivered, lost, slowestMs, failures } = sum;
  return `${system.name}: ${runs} runs, ${nodes} nodes, ${faults} faults, ${operations} operations, ` +
    `${delivered} messages delivered and ${lost} lost, all views true ${slowestMs} ms after the last fault at the ` +
    `latest, ${failures.length} violations`;
}

/** Describes a failing run: the broken rule, the needed faults, and how to repeat the run. */
export function describeFailure(system: System, scenario: Scenario, shrunk: Shrunk): string {
  const { seed, nodes, network, wire, delayMs, jitterMs, counts } = scenario;
  const { faults, operations, nodes: needed } = shrunk.scenario;
  const { at, error } = shrunk.outcome.violation!;
  const over = wire ? "over the real backplane" : "without writing messages";
  return [
    `${system.name} broke a rule with seed ${seed}, at ${at} ms: ${error.message}`,
    `  ${nodes} nodes on the ${network} network ${over}, ${delayMs} to ${delayMs + jitterMs} ms a message` +
    `${counts ? ", listeners counted" : ""}`,
    `  Of ${scenario.faults.length} faults ${faults.length} are needed, on ${needed} nodes, which may be numbered anew:`,
    ...faults.map((fault) => `    ${describeFault(fault)}`),
    ...operations.length === 0
      ? []
      : [`  Of ${scenario.operations.length} operations ${operations.length} are needed:`],
    ...operations.map((operation) => `    ${describeOperation(operation)}`),
    `  See it: ${replayCommand(system, scenario)}`,
    `  The faults as data: ${JSON.stringify(faults)}`,
  ].join("\n");
}

/** The command that plays a run again. */
export function replayCommand(system: System, { seed, nodes, network, wire }: Scenario): string {
  return `deno task sim --system ${system.name} --seed ${seed} --nodes ${nodes} --network ${network}` +
    ` --${wire ? "" : "no-"}wire`;
}
