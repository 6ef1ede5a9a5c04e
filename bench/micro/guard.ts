/**
 * The limits of the micro benchmarks. Machines differ, so each cost is divided by the cost of a fixed task on the same
 * machine.
 *
 * @module
 */

/** The name of the fixed task. */
export const MACHINE = "this machine: JSON of 64 lines, written, read and written";

/** How many times its recorded cost a part may cost. Other programs on the machine change the figures by a third. */
const MARGIN = 2;

/** Costs by name, as multiples of the fixed task. */
export type Costs = Readonly<Record<string, number>>;

/** The part of a report of `deno bench --json` that is used here. */
export interface BenchReport {
  readonly benches: readonly {
    readonly name: string;
    readonly group?: string | null;
    readonly results: readonly { readonly ok?: { readonly p75: number }; readonly failed?: unknown }[];
  }[];
}

/**
 * Reads a report.
 *
 * @param report The report.
 * @returns The costs, and how many nanoseconds each part took.
 * @throws {Error} When a benchmark has failed, two have one name, or the fixed task is missing.
 */
export function readCosts({ benches }: BenchReport): { readonly costs: Costs; readonly ns: Costs } {
  const ns: Record<string, number> = {};
  for (const { name: own, group, results: [result] } of benches) {
    const name = group ? `${group}: ${own}` : own;
    if (!result?.ok) throw new Error(`The benchmark "${name}" failed: ${JSON.stringify(result?.failed)}`);
    if (ns[name] !== undefined) throw new Error(`Two benchmarks have the name "${name}"`);
    ns[name] = result.ok.p75;
  }
  const machine = ns[MACHINE];
  if (machine === undefined) throw new Error(`There is no benchmark "${MACHINE}"`);
  const costs = Object.fromEntries(Object.entries(ns).map(([name, cost]) => [name, cost / machine]));
  return { costs, ns };
}

/**
 * Compares costs with those on record.
 *
 * @param costs The costs.
 * @param recorded The costs on record.
 * @returns What is wrong: parts that cost too much, and parts without a record. Empty if all is well.
 */
export function faultsOf(costs: Costs, recorded: Costs): string[] {
  return Object.entries(costs).flatMap(([name, cost]) => {
    const known = recorded[name];
    if (known === undefined) return [`${name}: has no limit yet. Record one: deno task bench:micro --update`];
    if (cost <= known * MARGIN) return [];
    return [`${name}: ${(cost / known).toFixed(1)} times the cost on record; ${MARGIN} times is the limit`];
  });
}
