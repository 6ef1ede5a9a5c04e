/**
 * `deno task bench [NAME…] [--quick] [--repeat N]`: runs the benchmarks. Writes the results to `results/NAME.json`, and the
 * tables and plots to `bench/README.md` and the README.
 *
 * @module
 */

import { cpus } from "node:os";
import process from "node:process";
import { parseArgs } from "node:util";
import { type Bench, benches, judge } from "./benches.ts";
import { Budget } from "./budget.ts";
import { candidates, type Contender, missing, nativeCandidates } from "./candidates.ts";
import { measure, type Measurement } from "./measure.ts";
import type { Verdict } from "./reach.ts";
import { writeReport } from "./report.ts";
import { type Results, type Row, shareArrived, toRow } from "./rows.ts";
import { findRuntimes, type Runtime } from "./runtimes.ts";
import { studies } from "./studies.ts";
import type { Repetitions, Study } from "./study.ts";

/** Runs one benchmark. The servers take turns for several rounds, so that a busy moment of the machine affects all of them. */
async function run(
  bench: Bench,
  quick: boolean,
  { repetitions, withinMs }: Repetitions,
  paths: Readonly<Partial<Record<Runtime, string>>>,
): Promise<Results> {
  const load = quick ? bench.quick ?? bench.load : bench.load;
  const taken = [...candidates, ...nativeCandidates].filter((candidate) =>
    missing(candidate, paths) === undefined && (candidate.only ?? bench.name) === bench.name &&
    (bench.takes?.(candidate) ?? true)
  );
  const measured = new Map<Contender, Measurement[]>(taken.map((candidate) => [candidate, []]));
  const budget = new Budget(withinMs);
  for (const _round of budget.rounds(repetitions)) {
    for (const candidate of taken) {
      const dialect = bench.dialects?.[candidate.dialect] ?? candidate.dialect;
      await budget.spend(candidate, candidate.kind, async () => {
        measured.get(candidate)!.push(await measure({ ...candidate, dialect }, load, paths));
      });
    }
  }
  const rows = taken.map((candidate) => toRow({ ...bench, load }, candidate, measured.get(candidate)!));
  for (const row of rows) console.log(`  ${line(bench, row)}`);
  return { bench: bench.name, what: bench.what, ...setting(), rows };
}

/** The date and the machine of the figures. */
function setting(): Pick<Results, "date" | "machine"> {
  const [cpu] = cpus();
  const machine = `${cpus().length} × ${cpu?.model ?? "unknown processor"}, ${Deno.build.os}`;
  return { date: new Date().toISOString().slice(0, 10), machine };
}

async function writeResults(name: string, results: object): Promise<void> {
  const file = new URL(`results/${name}.json`, import.meta.url);
  await Deno.mkdir(new URL(".", file), { recursive: true });
  await Deno.writeTextFile(file, JSON.stringify(results, undefined, 2) + "\n");
}

/** A row for the terminal. */
function line(bench: Bench, row: Row): string {
  const { server, runtime, [bench.figure]: figure } = row;
  const { median, min, max } = figure ?? { median: NaN, min: NaN, max: NaN };
  return `${`${server} (${runtime})`.padEnd(24)} ${bench.figure} ${median} [${min}, ${max}], ` +
    `${row.deliveriesPerCpuSecond.median} per CPU second, delivered ${shareArrived(row)}, load client ${
      (100 * row.loadClientBusy.median).toFixed(0)
    } % busy`;
}

const spoken = ({ aim, found, reached }: Verdict): string =>
  `${reached ? "reached" : "NOT REACHED"}: ${aim}; found ${found}`;

/** The messages that Trunkline lost or reordered. That is a fault; a peer's loss is only a figure. */
function losses(bench: Bench, { rows }: Results): string[] {
  return rows
    .filter(({ peer, delivered, expected, ordered }) =>
      peer === "trunkline" && (delivered < expected || ordered === false)
    )
    .map(({ server, runtime, delivered, expected }) =>
      `${bench.name}: ${server} (${runtime}) ${delivered} of ${expected}${
        delivered < expected ? "" : ", but not in order"
      }`
    );
}

const { values: { quick, repeat, help }, positionals } = parseArgs({
  args: Deno.args,
  allowPositionals: true,
  options: {
    quick: { type: "boolean", default: false },
    repeat: { type: "string" },
    help: { type: "boolean" },
  },
});
const known = [...benches, ...studies].map(({ name }) => name);
const names = positionals.length > 0 ? positionals : quick ? ["fanout", "single", "requests"] : known;
const unknown = names.find((name) => !known.includes(name));
if (help || unknown) {
  if (unknown) console.error(`There is no benchmark "${unknown}".`);
  console.log(`bench [NAME…] [--quick] [--repeat N]\nNames: ${known.join(", ")}`);
  Deno.exit(unknown ? 2 : 0);
}

// Brokers and servers go with it, which a signal by itself does not do.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const paths = await findRuntimes();
for (const runtime of ["deno", "bun", "node"] as const) {
  if (!paths[runtime]) console.log(`Skipped: everything on ${runtime}, which is not installed`);
}
for (const candidate of nativeCandidates) {
  const reason = missing(candidate, paths);
  if (reason) console.log(`Skipped: ${candidate.server}, which needs ${reason}`);
}
if (!paths.bun) {
  console.error("Cannot run: the load client needs Bun. Install it, or npx.");
  Deno.exit(1);
}
/** How often to measure, and for how long: as the caller said, or as the benchmark says. */
function extentOf(
  { repetitions = 3, withinS = 80 }: Pick<Study, "repetitions" | "withinS">,
): Repetitions {
  return {
    repetitions: Number(repeat ?? (quick ? 1 : repetitions)),
    withinMs: repeat === undefined ? withinS * 1_000 : Infinity,
  };
}

const faults: string[] = [];
const began = performance.now();
const secondsSince = (start: number) => Math.round((performance.now() - start) / 1_000);
for (const bench of benches.filter(({ name }) => names.includes(name))) {
  console.log(
    `${bench.name}: ${bench.what}${quick && bench.quick ? " (a smaller load, for --quick)" : ""}`,
  );
  const start = performance.now();
  const results = await run(bench, quick, extentOf(bench), paths);
  if (!quick) { for (const verdict of judge(bench, results.rows)) console.log(`  ${spoken(verdict)}`); }
  faults.push(...losses(bench, results));
  if (quick) continue; // the figures of a quick run must not replace careful ones
  await writeResults(bench.name, { ...results, seconds: secondsSince(start) });
}
for (
  const study of studies.filter(({ name }) => names.includes(name))
) {
  const { name, what, canBeQuick, reach } = study;
  console.log(`${name}: ${what}${quick && canBeQuick ? " (a smaller load, for --quick)" : ""}`);
  const start = performance.now();
  const { rows, faults: found } = await study.run(paths, (line) => console.log(`  ${line}`), {
    quick,
    ...extentOf(study),
  });
  if (!quick) { for (const verdict of reach?.(rows) ?? []) console.log(`  ${spoken(verdict)}`); }
  faults.push(...found);
  if (quick && canBeQuick) continue;
  await writeResults(name, { bench: name, what, ...setting(), seconds: secondsSince(start), rows });
}
if (!quick || studies.some(({ name, canBeQuick }) => names.includes(name) && !canBeQuick)) {
  await writeReport();
}
console.log(`Took ${secondsSince(began)} s`);
if (faults.length > 0) {
  console.error(`Faults:\n${faults.join("\n")}`);
  Deno.exit(1);
}
// Exit now: a library of a broker or a peer may keep something open, and the process would not end.
Deno.exit(0);
