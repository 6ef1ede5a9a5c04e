/**
 * `deno task test`: provides what the tests need and runs them on Deno and on Bun.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { run } from "./process.ts";
import { provide } from "./testing/provide.ts";
import { runTests } from "./testing/runtimes.ts";
import { listTests, selectTests, testsFor } from "./testing/suites.ts";
import { count, type Report, summarize } from "./testing/summary.ts";

const HELP = `Usage: deno task test [FILTER...] [options]

Runs the test files whose path contains a FILTER, or all of them, on Deno and on Bun.

  --no-install     do not install missing programs; skip the tests that need them
  --quick          leave out tests that need more than the two runtimes, and soak tests
  --conformance    run the suites of the adapters alone
  --adapter NAME   run the suite of one adapter alone
  --help           show this text`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "no-install": { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
    conformance: { type: "boolean", default: false },
    adapter: { type: "string" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  Deno.exit(0);
}

const selected = selectTests(await listTests(), { ...values, filters: positionals });
if (selected.length === 0) {
  console.error("No test file is selected");
  Deno.exit(1);
}

// Bun finds packages only where Deno has laid them out.
const installed = await run([Deno.execPath(), "install", "--quiet"]);
if (installed !== 0) Deno.exit(installed);

const provided = await provide(selected, { install: !values["no-install"] });
const reports: Report[] = [];
if (provided.skipped.length > 0) reports.push({ runtime: "no runtime", cases: provided.skipped });
try {
  for (const runtime of ["deno", "bun"] as const) {
    const files = testsFor(provided.files, runtime);
    if (files.length > 0) reports.push({ runtime, cases: await runTests(runtime, files, provided.env) });
  }
} finally {
  await provided.stop();
}

console.log(`\n${summarize(reports)}`);
const { passed, failed } = count(reports.flatMap(({ cases }) => cases));
if (failed > 0 || passed === 0) Deno.exit(1);
