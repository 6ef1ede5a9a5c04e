/**
 * Writes tables and plots of the results between marks in `bench/README.md` and the README.
 *
 * @module
 */

import { type Bench, benches, judge } from "./benches.ts";
import { plot } from "./plot.ts";
import { reachTable, type Verdict } from "./reach.ts";
import type { Range } from "./range.ts";
import { afterBursts, afterSteady } from "./readme.ts";
import { type Results, type Row, shareArrived } from "./rows.ts";
import { studies } from "./studies.ts";
import { ratio } from "./svg.ts";
import { UNITS } from "./units.ts";

const MARKS = /(<!-- bench:start -->)[\s\S]*?(<!-- bench:end -->)/;

/** The benchmarks that the README shows, each with a text below its table. */
const README: Readonly<Record<string, (rows: readonly Row[]) => string>> = {
  "fanout": afterBursts,
  "paced-100": afterSteady,
};

/** Figures as people read them. */
function format({ median, min, max }: Range, figure: Bench["figure"]): string {
  const one = (value: number) => {
    if (!figure.startsWith("deliveriesPer")) return value.toPrecision(3);
    return value >= 1e6 ? `${(value / 1e6).toFixed(2)} M` : `${(value / 1e3).toFixed(1)} k`;
  };
  return `${one(median)} (${one(min)}–${one(max)})`;
}

/** A table of the servers: the compared figure, and the speed by the other clock. */
function table(bench: Bench, { rows }: Results): string {
  const unit = UNITS[bench.figure];
  const other = bench.figure === "deliveriesPerCpuSecond" ? "deliveriesPerSecond" : "deliveriesPerCpuSecond";
  const lines = rows.map((row) => {
    const figure = row[bench.figure];
    const name = row.peer === "trunkline" ? `**${row.server}**` : row.server;
    const cells = [
      name,
      row.runtime,
      figure ? format(figure, bench.figure) : "–",
      shareArrived(row),
      format(row[other], other),
      row.p99Ms ? format(row.p99Ms, "p99Ms") : "–",
      format(row.rssMb, "rssMb"),
    ];
    return `| ${cells.join(" | ")} |`;
  });
  return [
    `| server | runtime | ${unit}: median (range) | delivered | ${UNITS[other]} | p99, ms | memory, MB |`,
    "|---|---|---|---|---|---|---|",
    ...lines,
  ].join("\n");
}

/** Trunkline's figure as a multiple of the others' in the same run. */
function ratios(bench: Bench, { rows }: Results): string {
  const of = ({ [bench.figure]: figure }: Row) => figure?.median ?? NaN;
  const ours = rows.filter(({ peer }) => peer === "trunkline");
  const others = rows.filter(({ peer }) => peer !== "trunkline");
  return ours.map((row) =>
    `- trunkline on ${row.runtime}: ` +
    others.map((other) => `${ratio(of(row) / of(other))} × ${other.server} (${other.runtime})`)
      .join(", ")
  ).join("\n");
}

async function readResults<R = Results>(name: string): Promise<R | undefined> {
  try {
    return JSON.parse(await Deno.readTextFile(new URL(`results/${name}.json`, import.meta.url)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function replaceMarked(file: URL, text: string): Promise<void> {
  const before = await Deno.readTextFile(file);
  if (!MARKS.test(before)) throw new Error(`There are no bench marks in ${file.pathname}`);
  await Deno.writeTextFile(
    file,
    before.replace(MARKS, (_all, start, end) => `${start}\n\n${text}\n\n${end}`),
  );
}

/** Writes the report from all results in `results/`. */
export async function writeReport(): Promise<void> {
  const sections: string[] = [];
  /** The excerpts for the README. */
  const shown: string[] = [];
  const verdicts: { bench: string; verdict: Verdict }[] = [];
  for (const bench of benches) {
    const results = await readResults(bench.name);
    if (!results) continue;
    for (const verdict of judge(bench, results.rows)) verdicts.push({ bench: bench.name, verdict });
    const svg = `results/${bench.name}.svg`;
    await Deno.writeTextFile(new URL(svg, import.meta.url), plot(bench, results.rows));
    sections.push(
      `### ${bench.name}: ${bench.what}\n\n![${bench.what}](${svg})\n\n${table(bench, results)}\n\n` +
        `${ratios(bench, results)}\n\nTaken on ${results.date}, ${results.machine}; ${
          results.rows[0]?.repetitions
        } runs each.`,
    );
    if (bench.name in README) {
      shown.push(
        `![${bench.what}](bench/${svg})\n\n${bench.what[0]!.toUpperCase()}${bench.what.slice(1)}:\n\n` +
          `${table(bench, results)}\n\n${README[bench.name]!(results.rows)}\n\n` +
          `Taken on ${results.date}, ${results.machine}.`,
      );
    }
  }
  await replaceMarked(
    new URL("../README.md", import.meta.url),
    [...shown, "More is in [bench](bench/README.md)."].join("\n\n"),
  );
  for (const { name, what, report, reach } of studies) {
    const results = await readResults<Results & { readonly rows: unknown }>(name);
    if (!results) continue;
    for (const verdict of reach?.(results.rows) ?? []) verdicts.push({ bench: name, verdict });
    const { text, drawings = {}, excerpts = {} } = report(results.rows);
    for (const [document, excerpt] of Object.entries(excerpts)) {
      const file = new URL(`../${document}`, import.meta.url);
      await replaceMarked(file, `${excerpt}\n\nTaken on ${results.date}, ${results.machine}.`);
    }
    for (const [drawing, svg] of Object.entries(drawings)) {
      await Deno.writeTextFile(new URL(`results/${drawing}.svg`, import.meta.url), svg);
    }
    sections.push(`### ${name}: ${what}\n\n${text}\n\nTaken on ${results.date}, ${results.machine}.`);
  }
  const all = [`### Targets\n\n${reachTable(verdicts)}`, ...sections];
  await replaceMarked(new URL("README.md", import.meta.url), all.join("\n\n"));
}
