/**
 * `deno task bench:against FOLDER [NAME…]`: compares this checkout with another one, so that the price of a change is known. The
 * servers of the two take turns under the load client of this one. Each pair of runs gives a ratio.
 *
 * @module
 */

import { relative } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { benches } from "./benches.ts";
import { candidates } from "./candidates.ts";
import { startBrokers } from "./cluster/brokers.ts";
import { type ClusterCandidate, clusterCandidates } from "./cluster/candidates.ts";
import { evenCrossnode } from "./cluster/crossnode.ts";
import { measureCluster } from "./cluster/measure.ts";
import type { CrossnodeOutcome } from "./load/crossnode.ts";
import type { Outcome } from "./load/outcome.ts";
import { underLoad } from "./measure.ts";
import { groups } from "./groups.ts";
import { range } from "./range.ts";
import { findRuntimes } from "./runtimes.ts";
import { variants } from "./variants.ts";

const HELP = `Usage: deno task bench:against FOLDER [NAME…] [options]

Compares the servers of this checkout with those of the checkout in FOLDER, whose packages must be installed. A ratio above 1 is
better.
NAME: ${
  benches.map(({ name }) => name).join(", ")
}, groups, variants, crossnode; fanout, paced, requests and crossnode by default

  --pairs N        how many runs of each; 8 by default
  --runtime NAME   deno or bun; both by default
  --adapter NAME   of crossnode, can be repeated; redis by default
  --nodes N        of crossnode, can be repeated; 2 and 4 by default
  --help           show this text`;

const { values, positionals: [folder, ...names] } = parseArgs({
  allowPositionals: true,
  options: {
    pairs: { type: "string", default: "8" },
    runtime: { type: "string" },
    adapter: { type: "string", multiple: true, default: ["redis"] },
    nodes: { type: "string", multiple: true, default: ["2", "4"] },
    help: { type: "boolean" },
  },
});
if (values.help || !folder) {
  console.log(HELP);
  Deno.exit(values.help ? 0 : 2);
}
const wanted = names.length > 0 ? names : ["fanout", "paced", "requests", "crossnode"];
const pairs = Number(values.pairs);
const isMeant = ({ runtime }: { readonly runtime: string }) =>
  values.runtime === undefined || values.runtime === runtime;

/** The figures of a run, the larger the better. */
type Figures = Readonly<Record<string, number>>;

/** Where the other checkout has a server, as seen from the servers of this one. */
const servers = fileURLToPath(new URL("servers/", import.meta.url));
const prefix = relative(servers, `${await Deno.realPath(folder)}/bench/servers`);
const theirs = <C extends { readonly file: string }>(candidate: C): C => ({
  ...candidate,
  file: `${prefix}/${candidate.file}`,
});

function figuresOf({ delivered, ms, cpuMs, latencies }: Outcome | CrossnodeOutcome): Figures {
  return {
    "deliveries per second": delivered / ms,
    "per CPU second": delivered / cpuMs,
    ...(latencies && { "1 / p99": 1 / latencies.p99 }),
  };
}

/** Measures pairs, and prints the median of each ratio with its range. */
async function compare(
  what: string,
  ours: () => Promise<Figures>,
  others: () => Promise<Figures>,
): Promise<void> {
  const ratios: Record<string, number[]> = {};
  for (let pair = 0; pair < pairs; pair++) {
    const isFirst = pair % 2 === 0;
    const first = await (isFirst ? ours : others)();
    const second = await (isFirst ? others : ours)();
    const [here, there] = isFirst ? [first, second] : [second, first];
    for (const [name, figure] of Object.entries(here)) (ratios[name] ??= []).push(figure / there[name]!);
  }
  for (const [name, found] of Object.entries(ratios)) {
    const { median, min, max } = range(found);
    const [ratio, low, high] = [median, min, max].map((value) => value.toFixed(2));
    console.log(`${what}: ${name} ${ratio} × (${low}–${high}), ${pairs} ${pairs === 1 ? "pair" : "pairs"}`);
  }
}

// Brokers and servers go with it, which a signal by itself does not do.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const paths = await findRuntimes();
for (const bench of benches.filter(({ name }) => wanted.includes(name))) {
  for (const candidate of candidates.filter((one) => one.kind === "trunkline" && isMeant(one))) {
    const run = (one: typeof candidate) => async () =>
      figuresOf(await underLoad<Outcome>(one, bench.load, paths));
    await compare(`${bench.name} (${candidate.runtime})`, run(candidate), run(theirs(candidate)));
  }
}
for (const { name, shapes } of [groups, variants].filter(({ name }) => wanted.includes(name))) {
  for (const shape of shapes) {
    for (const candidate of candidates.filter((one) => one.kind === "trunkline" && isMeant(one))) {
      const run = (one: typeof candidate) => async () =>
        figuresOf(await underLoad<Outcome>({ ...one, dialect: shape.dialect }, shape.load, paths));
      const what = `${name}, ${shape.name} (${candidate.runtime})`;
      await compare(what, run(candidate), run(theirs(candidate)));
    }
  }
}
if (wanted.includes("crossnode")) {
  const clusters = clusterCandidates.filter((one) =>
    one.kind === "trunkline" && isMeant(one) && values.adapter.includes(one.adapter)
  );
  const brokers = await startBrokers(new Set(clusters.map(({ broker }) => broker)));
  try {
    for (const missing of brokers.missing) console.log(`Skipped: everything on ${missing}`);
    for (const nodes of values.nodes.map(Number)) {
      for (const candidate of clusters) {
        const broker = brokers.running[candidate.broker];
        if (!broker) continue;
        const run = (one: ClusterCandidate) => async () =>
          figuresOf(await measureCluster<CrossnodeOutcome>(one, nodes, evenCrossnode, { paths, broker }));
        const what = `crossnode, ${candidate.adapter}, ${nodes} nodes (${candidate.runtime})`;
        await compare(what, run(candidate), run(theirs(candidate)));
      }
    }
  } finally {
    await brokers.stop();
  }
}
Deno.exit(0); // a library of a broker may keep something open
