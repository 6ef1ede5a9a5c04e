/**
 * `deno task bench:micro [--filter TEXT] [--update]`: measures single parts without sockets. Fails if one costs too much:
 * see `guard.ts`.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { type BenchReport, type Costs, faultsOf, MACHINE, readCosts } from "./guard.ts";

const LIMITS = new URL("limits.json", import.meta.url);

const { values: { filter, update } } = parseArgs({
  options: { filter: { type: "string" }, update: { type: "boolean", default: false } },
});

/** The fixed task is always measured, too. */
const wanted = filter === undefined ? [] : [`--filter=/${[MACHINE, filter].map(escape).join("|")}/`];
const { code, stdout } = await new Deno.Command(Deno.execPath(), {
  args: ["bench", "--allow-all", "--quiet", "--json", ...wanted, "bench/micro"],
  stderr: "inherit",
}).output();
if (code !== 0) Deno.exit(code);
const { costs, ns } = readCosts(JSON.parse(new TextDecoder().decode(stdout)) as BenchReport);
const recorded = JSON.parse(await Deno.readTextFile(LIMITS).catch(() => "{}")) as Costs;
for (const [name, cost] of Object.entries(ns)) {
  const share = recorded[name] === undefined
    ? ""
    : `  ${(costs[name]! / recorded[name]).toFixed(2)} of the record`;
  console.log(`${toTime(cost).padStart(10)}  ${name}${share}`);
}
if (update) {
  const kept = filter === undefined ? {} : recorded;
  const next = Object.entries({ ...kept, ...costs }).map((
    [name, cost],
  ) => [name, Number(cost.toPrecision(3))]);
  await Deno.writeTextFile(LIMITS, JSON.stringify(Object.fromEntries(next), undefined, 2) + "\n");
} else {
  const faults = faultsOf(costs, recorded);
  for (const fault of faults) console.error(`Too dear: ${fault}`);
  if (faults.length > 0) Deno.exit(1);
}

function escape(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}

function toTime(ns: number): string {
  return ns < 1_000
    ? `${ns.toFixed(1)} ns`
    : ns < 1e6
    ? `${(ns / 1_000).toFixed(1)} µs`
    : `${(ns / 1e6).toFixed(2)} ms`;
}
