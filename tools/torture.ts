/**
 * `deno task torture`: cuts off, freezes and kills clients, nodes and a store. An oracle knows every message and checks the result.
 *
 * @module
 */

import process from "node:process";
import { parseArgs } from "node:util";
import { findRuntimes } from "../bench/runtimes.ts";
import { describeOutcome, resultLine } from "../tests/torture/report.ts";
import { STORES } from "../tests/torture/stores.ts";
import { torture } from "../tests/torture/torture.ts";
import type { StoreName } from "../tests/torture/words.ts";

const NAMES = Object.keys(STORES) as StoreName[];

const HELP = `Usage: deno task torture [options]

Publishes on topics with history, over nodes on Deno and Bun. Meanwhile it cuts links of clients, and kills, ends and freezes
nodes and the servers of the store. At the end every client must have got every message, once and in order, or must know of
the gap. The seed decides all faults and their times. Exits with 1 if a promise is broken.

  --store NAME         ${NAMES.join(", ")}; the first by default
  --seconds N          for how long; 300 by default
  --seed N             random by default
  --nodes N            3 by default
  --clients N          200 by default
  --topics N           50 by default
  --subscriptions N    topics of each client; 4 by default
    --rate N             messages per second, on all topics together; 2000 by default
    --runtime NAME       deno or bun; both in turn by default
  --help               show this text`;

const { values } = parseArgs({
  options: {
    store: { type: "string", default: NAMES[0]! },
    seconds: { type: "string", default: "300" },
    seed: { type: "string", default: String(Math.floor(Math.random() * 1e6)) },
    nodes: { type: "string", default: "3" },
    clients: { type: "string", default: "200" },
    topics: { type: "string", default: "50" },
    subscriptions: { type: "string", default: "4" },
    rate: { type: "string", default: "2000" },
    runtime: { type: "string" },
    help: { type: "boolean", default: false },
  },
});

function refuse(message: string): never {
  console.error(`${message}\n\n${HELP}`);
  Deno.exit(1);
}

function whole(name: "seconds" | "seed" | "nodes" | "clients" | "topics" | "subscriptions" | "rate"): number {
  const text = values[name];
  if (!/^\d+$/.test(text)) refuse(`--${name} takes a whole number, not "${text}"`);
  return Number(text);
}

if (values.help) {
  console.log(HELP);
  Deno.exit(0);
}
const store = NAMES.find((name) => name === values.store) ??
  refuse(`--store is one of ${NAMES.join(", ")}, not "${values.store}"`);
const paths = await findRuntimes();
const runtimes = (["deno", "bun"] as const)
  .filter((name) => values.runtime === undefined || values.runtime === name)
  .flatMap((name) => paths[name] ? [{ name, path: paths[name] }] : []);
if (runtimes.length === 0) refuse(`--runtime is deno or bun, not "${values.runtime}"`);
const seed = whole("seed");
const extent = {
  seed,
  seconds: whole("seconds"),
  nodes: whole("nodes"),
  clients: whole("clients"),
  topics: whole("topics"),
  subscriptions: whole("subscriptions"),
  rate: whole("rate"),
};
console.log(
  `Torture of ${store} with --seed ${seed}, for ${extent.seconds} s, on ${runtimes.map(({ name }) => name)}`,
);
// Its processes and folders go with it, which a signal by itself does not do.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => process.exit(130));
const outcome = await torture({ ...extent, store, runtimes, say: (line) => console.log(line) });
console.log(describeOutcome(outcome));
console.log(resultLine(store, extent, outcome));
if (outcome.violations.length > 0) {
  const given = Object.entries(extent).map(([name, value]) => `--${name} ${value}`);
  const runtime = values.runtime === undefined ? "" : ` --runtime ${values.runtime}`;
  console.log(`Again: deno task torture --store ${store} ${given.join(" ")}${runtime}`);
}
Deno.exit(outcome.violations.length === 0 ? 0 : 1);
