/**
 * Cuts a failing run down to the few faults and operations that it needs to fail: delta debugging, after Zeller and
 * Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE Transactions on Software Engineering 28 (2002).
 *
 * @module
 */

import { moveFault, seatsOf } from "./faults.ts";
import type { Scenario } from "./scenario.ts";
import { type Outcome, simulate } from "./simulate.ts";
import type { System } from "./system.ts";

/** How many steps all runs may take together: some ten seconds. */
const MAX_STEPS = 4_000_000;

/** A failing run, cut down. */
export interface Shrunk {
  /** The run. */
  readonly scenario: Scenario;
  /** The result: a violation, perhaps another one than that of the whole run. */
  readonly outcome: Outcome;
  /** How many runs that took. */
  readonly runs: number;
}

/**
 * Cuts a failing run down.
 *
 * @param scenario A run that fails.
 * @param system What fails.
 * @returns A run that fails, none of whose faults and operations could be left out alone, unless it took too long; on fewer nodes,
 * if it fails there too.
 */
export async function shrink(scenario: Scenario, system: System): Promise<Shrunk> {
  let runs = 0, steps = 0;
  let best = { scenario, outcome: await simulate(scenario, system) };
  const fails = async (candidate: Scenario): Promise<boolean> => {
    if (steps >= MAX_STEPS) return false;
    const outcome = await simulate(candidate, system);
    runs++;
    steps += outcome.steps;
    if (outcome.violation) best = { scenario: candidate, outcome };
    return outcome.violation !== undefined;
  };
  const fewerSeats = async (index: number) => {
    for (const key of ["seats", "from", "to"] as const) {
      const seats = (best.scenario.faults[index] as Partial<Record<typeof key, readonly number[]>>)[key] ??
        [];
      await least(seats, (fewer) => {
        const faults = best.scenario.faults.map((fault, i) =>
          i === index ? { ...fault, [key]: fewer } : fault
        );
        return fewer.length === 0 ? Promise.resolve(false) : fails({ ...best.scenario, faults });
      });
    }
  };
  await fails({ ...best.scenario, operations: [] });
  await least(best.scenario.faults, (faults) => fails({ ...best.scenario, faults }));
  await least(best.scenario.operations, (operations) => fails({ ...best.scenario, operations }));
  for (const index of best.scenario.faults.keys()) await fewerSeats(index);
  for (const nodes of fewerNodes(best.scenario)) if (await fails(onFewerSeats(best.scenario, nodes))) break;
  return { ...best, runs };
}

/** The seats that faults and operations need. */
function neededSeats({ faults, operations }: Scenario): number[] {
  const seats = new Set(operations.map(({ seat }) => seat));
  for (const fault of faults) {
    for (const seat of fault.kind === "cut" ? [...fault.from, ...fault.to] : seatsOf(fault)) seats.add(seat);
  }
  return [...seats].sort((a, b) => a - b);
}

/** How many nodes may be enough, the fewest first. */
function fewerNodes(scenario: Scenario): number[] {
  const needed = Math.max(2, neededSeats(scenario).length);
  return [...new Set([needed, needed + 1, needed + 2, Math.ceil(scenario.nodes / 2)])]
    .filter((nodes) => nodes >= needed && nodes < scenario.nodes).sort((a, b) => a - b);
}

/** The same run with the seats that it needs, renumbered, and some others. */
function onFewerSeats(scenario: Scenario, nodes: number): Scenario {
  const needed = neededSeats(scenario);
  const seat = (before: number) => needed.indexOf(before);
  return {
    ...scenario,
    nodes,
    faults: scenario.faults.map((fault) => moveFault(fault, seat)),
    operations: scenario.operations.map((operation) => ({ ...operation, seat: seat(operation.seat) })),
  };
}

/** Leaves out as much of a list as can be left out: halves first, single items at last. */
async function least<T>(list: readonly T[], fails: (rest: readonly T[]) => Promise<boolean>): Promise<void> {
  let rest = list;
  for (let size = rest.length; size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = 0; from < rest.length;) {
      const without = [...rest.slice(0, from), ...rest.slice(from + size)];
      if (await fails(without)) rest = without;
      else from += size;
    }
  }
}
