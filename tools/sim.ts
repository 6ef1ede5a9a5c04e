/**
 * `deno task sim`: repeats a seed of the simulation, and draws it; or runs many seeds.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import { campaign, describeCampaign, describeFailure } from "../tests/sim/report.ts";
import { drawScenario, type RunOptions } from "../tests/sim/scenario.ts";
import { shrink } from "../tests/sim/shrink.ts";
import { simulate } from "../tests/sim/simulate.ts";
import type { System } from "../tests/sim/system.ts";
import { SYSTEMS } from "../tests/sim/systems.ts";
import { drawTimeline } from "../tests/sim/timeline.ts";
import { describeFault } from "../tests/sim/describe_fault.ts";

const HELP = `Usage: deno task sim --seed N [options]
       deno task sim --seeds FROM..TO [options]

Runs the simulation once and draws the run as a timeline, or runs it many times and lists the runs that break a rule. Only the
seed and these options decide a run. If a run fails, the faults that it does not need are removed before it is drawn.

  --system NAME    ${SYSTEMS.map(({ name }) => name).join(", ")}; the first by default
  --nodes N        how many nodes there are
  --network KIND   adapter: keeps order, delivers at most once; hostile: also duplicates and reorders
  --[no-]wire      whether the real backplane writes and reads every message
    --svg FILE       the file of the drawing; by default in the folder for temporary files
    --whole          draws a failing run with all of its faults
  --help           show this text

The seed decides every option that is left out.`;

const { values } = parseArgs({
  allowNegative: true,
  options: {
    seed: { type: "string" },
    seeds: { type: "string" },
    system: { type: "string", default: SYSTEMS[0]!.name },
    nodes: { type: "string" },
    network: { type: "string" },
    wire: { type: "boolean" },
    svg: { type: "string" },
    whole: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

function refuse(message: string): never {
  console.error(`${message}\n\n${HELP}`);
  Deno.exit(1);
}

function whole(text: string, name: string): number {
  if (!/^\d+$/.test(text)) refuse(`--${name} takes a whole number, not "${text}"`);
  return Number(text);
}

function readOptions(): Omit<RunOptions, "seed"> {
  const { nodes, network, wire } = values;
  if (network !== undefined && network !== "adapter" && network !== "hostile") {
    refuse(`--network is adapter or hostile, not "${network}"`);
  }
  const count = nodes === undefined ? undefined : whole(nodes, "nodes");
  if (count !== undefined && (count < 2 || count > 100)) refuse(`--nodes is 2 to 100, not ${count}`);
  return {
    ...(count !== undefined && { nodes: count }),
    ...(network !== undefined && { network }),
    ...(wire !== undefined && { wire }),
  };
}

/** Runs one seed, draws it, and prints the path of the drawing. */
async function playOne(system: System, options: RunOptions): Promise<boolean> {
  let scenario = drawScenario(options, system);
  let outcome = await simulate(scenario, system, true);
  const failed = outcome.violation !== undefined;
  if (failed) {
    const shrunk = await shrink(scenario, system);
    console.log(describeFailure(system, scenario, shrunk));
    if (!values.whole) {
      scenario = shrunk.scenario;
      outcome = await simulate(scenario, system, true);
    }
  } else {
    for (const fault of scenario.faults) console.log(describeFault(fault));
    console.log(
      `${system.name} with seed ${options.seed} on ${scenario.nodes} nodes of the ${scenario.network} network: all ` +
        `views are true ${
          outcome.convergedAt! - scenario.quietAt
        } ms after the last fault. Trace ${outcome.trace}`,
    );
  }
  const file = values.svg ??
    join(await Deno.makeTempDir({ prefix: "sim-" }), `${system.name}-${options.seed}.svg`);
  await Deno.writeTextFile(file, drawTimeline({ system: system.name, scenario, outcome }));
  console.log(`Drawn in ${file}`);
  return !failed;
}

/** Runs many seeds, and lists those that fail. */
async function playMany(system: System, seeds: string): Promise<boolean> {
  const [, first, last] = /^(\d+)\.\.(\d+)$/.exec(seeds) ?? refuse(`--seeds takes FROM..TO, not "${seeds}"`);
  const from = Number(first), to = Number(last) + 1;
  const started = performance.now();
  const sum = await campaign(system, { ...readOptions(), from, to, maxFailures: 10 });
  for (const { scenario, shrunk } of sum.failures) {
    console.log(`${describeFailure(system, scenario, shrunk)}\n`);
  }
  const seconds = ((performance.now() - started) / 1_000).toFixed(1);
  console.log(`${describeCampaign(system, sum)}, in ${seconds} s`);
  return sum.failures.length === 0;
}

if (values.help) {
  console.log(HELP);
  Deno.exit(0);
}
const system = SYSTEMS.find(({ name }) => name === values.system) ??
  refuse(`--system is one of ${SYSTEMS.map(({ name }) => name).join(", ")}, not "${values.system}"`);
if ((values.seed === undefined) === (values.seeds === undefined)) refuse("Give --seed N or --seeds FROM..TO");
const passed = values.seeds === undefined
  ? await playOne(system, { ...readOptions(), seed: whole(values.seed!, "seed") })
  : await playMany(system, values.seeds);
Deno.exit(passed ? 0 : 1);
