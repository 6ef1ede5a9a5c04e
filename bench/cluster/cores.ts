/**
 * Cores: the speed of one port that is served by one process, and by one process for each core.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { Budget } from "../budget.ts";
import { plotBars } from "../plot.ts";
import { type Range, range, worstOf } from "../range.ts";
import { type Verdict, verdict } from "../reach.ts";
import type { Runtime } from "../runtimes.ts";
import type { Study } from "../study.ts";
import type { LoadOrder } from "../load/main.ts";
import type { Outcome } from "../load/outcome.ts";
import { start } from "./process.ts";
import { ranged } from "./table.ts";

const CLIENTS = 128;
const REQUESTS = 60;

/** The figures for a number of processes. */
interface CoresRow {
  readonly runtime: Runtime;
  readonly processes: number;
  readonly requestsPerSecond: Range;
  readonly p99Ms: Range;
  readonly delivered: number;
  readonly expected: number;
}

const here = (file: string): string => new URL(file, import.meta.url).pathname;

/** No process is pinned: the system spreads them over the cores, and the load client takes little time. */
async function measure(
  runtime: Runtime,
  paths: Readonly<Partial<Record<Runtime, string>>>,
  processes: number,
) {
  const flags = runtime === "deno" ? ["run", "--allow-all", "--no-check", "--unstable-net"] : ["run"];
  const args = [...flags, here("../servers/cores/main.ts"), String(processes)];
  const server = start({ command: paths[runtime]!, args });
  try {
    const { port } = await server.said as { readonly port: number };
    const order: LoadOrder = {
      ...{ shape: "requests", clients: CLIENTS, messages: REQUESTS, dialect: "trunkline", port },
      statsPort: port, // of any of the processes: their processor time is not used
    };
    const client = start({
      command: paths.bun!,
      args: ["run", here("../load/main.ts"), JSON.stringify(order)],
    });
    const outcome = await client.said as Outcome;
    await client.stop();
    return outcome;
  } finally {
    await server.stop();
  }
}

/** The speed of all cores, divided by that of one. */
function gains(rows: readonly CoresRow[]): { readonly runtime: Runtime; readonly gain: number }[] {
  return [...new Set(rows.map(({ runtime }) => runtime))].flatMap((runtime) => {
    const ours = rows.filter((row) => row.runtime === runtime);
    const [one, all] = [
      ours.find(({ processes }) => processes === 1),
      ours.findLast((row) => row.processes > 1),
    ];
    return one && all ? [{ runtime, gain: all.requestsPerSecond.median / one.requestsPerSecond.median }] : [];
  });
}

function report(rows: readonly CoresRow[]) {
  const name = ({ runtime, processes }: CoresRow) =>
    `${runtime}, ${processes} process${processes > 1 ? "es" : ""}`;
  const text = [
    `${CLIENTS} clients send requests and wait for the answers. A handler computes for some tenths of a millisecond, so that the ` +
    "server is the bottleneck. All processes serve one port (`reusePort`), and the system spreads the connections over them. The load " +
    "client runs on the same cores.",
    "![Requests per second](results/cores.svg)",
    "| runtime | processes | requests per second: median (range) | p99, ms |",
    "|---|---|---|---|",
  ].join("\n\n").replace(/\|\n\n\|/g, "|\n|") + "\n" +
    rows.map((row) =>
      `| ${row.runtime} | ${row.processes} | ${ranged(row.requestsPerSecond)} | ${ranged(row.p99Ms)} |`
    ).join("\n");
  const drawings = {
    cores: plotBars(
      "Requests per second",
      "Requests per second by processes on one port",
      rows.map((row) => ({ name: name(row), peer: "trunkline", figure: row.requestsPerSecond })),
    ),
  };
  return { text, drawings };
}

function reach(rows: readonly CoresRow[]): Verdict[] {
  return gains(rows).map(({ runtime, gain }) =>
    verdict(`all cores (${runtime})`, gain, { atLeast: 1.5 }, "× one process")
  );
}

/** The study. */
export const cores: Study<readonly CoresRow[]> = {
  name: "cores",
  what: "one port, served by one process and by one for each core",
  report,
  reach,
  async run(paths, say, { repetitions, withinMs }) {
    const sizes = [1, availableParallelism()];
    const runtimes = (["deno", "bun"] as const).filter((runtime) => paths[runtime]);
    const cases = runtimes.flatMap((runtime) => sizes.map((processes) => ({ runtime, processes })));
    const outcomes = new Map(cases.map((one) => [one, [] as Outcome[]]));
    const budget = new Budget(withinMs);
    for (const _round of budget.rounds(Math.max(3, repetitions))) {
      for (const one of cases) {
        await budget.spend(one, "trunkline", async () => {
          outcomes.get(one)!.push(await measure(one.runtime, paths, one.processes));
        });
      }
    }
    const rows = cases.map((one) => {
      const measured = outcomes.get(one)!;
      const worst = worstOf(measured);
      return {
        ...one,
        requestsPerSecond: range(measured.map(({ delivered, ms }) => delivered / ms * 1_000)),
        p99Ms: range(measured.map(({ latencies }) => latencies!.p99)),
        delivered: worst.delivered,
        expected: worst.expected,
      };
    });
    for (const row of rows) {
      say(`${row.runtime}, ${row.processes} processes: ${ranged(row.requestsPerSecond)} requests per second`);
    }
    const faults = rows.filter(({ delivered, expected }) => delivered < expected)
      .map((row) => `cores: ${row.runtime}, ${row.processes}: ${row.delivered} of ${row.expected} answered`);
    return { rows, faults };
  },
};
