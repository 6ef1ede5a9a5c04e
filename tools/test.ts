/**
 * `deno task test`: provides the requirements of the tests, and runs the tests on Deno and on Bun.
 *
 * @module
 */

import { parseArgs } from "node:util";
import type { TestCase } from "./testing/junit.ts";
import { permission } from "./testing/permission.ts";
import { provide } from "./testing/provide.ts";
import { REQUIREMENTS } from "./testing/requirements.ts";
import { checkTypes, findRuntime, runTests } from "./testing/runtimes.ts";
import { runInSlots } from "./testing/slots.ts";
import { APART, groupsOf, listTests, needsMachine, selectTests, testsFor } from "./testing/suites.ts";
import { count, type Report, summarize } from "./testing/summary.ts";

const HELP = `Usage: deno task test [FILTER...] [options]

Runs the test files whose path contains a FILTER, or all of them, on Deno and on Bun, with the brokers that they need:
those that REDIS_URL, REDIS_CLUSTER_URL (addresses separated by commas), NATS_URL, RABBITMQ_URL and POSTGRES_URL name, or
else its own, started with what REDIS_SERVER, NATS_SERVER, RABBITMQ_SERVER and POSTGRES_SERVER name, what is on the PATH,
or what apt-get installs. On a terminal it asks before it installs anything.

  --no-install     do not install missing programs; skip the tests that need them
  --no-check       do not check the types of the tests
  --quick          leave out tests that need more than the two runtimes, and soak tests
    --conformance    run only the suites of the adapters
    --adapter NAME   run only the suite of one adapter
  --help           show this text`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    "no-install": { type: "boolean", default: false },
    "no-check": { type: "boolean", default: false },
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

const NO_BUN: TestCase = {
  name: "every test on Bun [skipped: neither bun nor npx is on the PATH]",
  result: "skipped",
};

/** How many test processes run at once. Four keep two processors busy where tests work more than they wait. */
const AT_ONCE = { least: 4, most: 6 } as const;

const selected = selectTests(await listTests(), { ...values, filters: positionals });
if (selected.length === 0) {
  console.error("No test file is selected");
  Deno.exit(1);
}

if (positionals.length === 0) {
  for (const [folder, command] of Object.entries(APART)) console.log(`Without ${folder}: ${command}`);
}

const options = await permission(selected, values.quick ? [] : REQUIREMENTS, !values["no-install"]);
if (!options) {
  console.error("Interrupted");
  Deno.exit(130);
}

const interruption = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.addSignalListener(signal, () => interruption.abort(signal));
}

// The check of the types needs no servers, and the processors have little else to do while servers start.
const typesChecked = checkTypes(values["no-check"] ? [] : selected, interruption.signal);
const provided = await provide(selected, options, values.quick ? [] : REQUIREMENTS);
// A quick run selects only tests that need nothing. Tests that only use a requirement run without it.
const env = values.quick
  ? Object.fromEntries(REQUIREMENTS.map(({ variable }) => [variable, ""]))
  : provided.env;
for (const origin of provided.origins) console.log(`With ${origin}`);
const reports: Report[] = [];
if (provided.skipped.length > 0) reports.push({ runtime: "no runtime", cases: provided.skipped });
try {
  const runtimes = await Promise.all((["deno", "bun"] as const).map(async (runtime) => {
    const files = testsFor(provided.files, runtime);
    return { runtime, files, program: files.length > 0 ? await findRuntime(runtime) : [] };
  }));
  const { signal } = interruption;
  const done = runtimes.map(({ runtime, program }) => ({
    runtime,
    cases: (program ? [] : [NO_BUN]) as TestCase[],
  }));
  // If no test can run, correct types alone are no success.
  const tasks = [
    async () => void done[0]!.cases.push(...provided.files.length > 0 ? await typesChecked : []),
  ];
  for (const group of groupsOf(provided.files.filter((file) => !needsMachine(file)))) {
    for (const [i, { runtime, program }] of runtimes.entries()) {
      const files = testsFor(group, runtime);
      if (files.length === 0 || !program) continue;
      tasks.push(async () =>
        void done[i]!.cases.push(...await runTests(runtime, program, files, env, signal))
      );
    }
  }
  await runInSlots(tasks, AT_ONCE);
  await Promise.all(runtimes.map(async ({ runtime, files, program }, i) => {
    const timed = files.filter(needsMachine);
    if (timed.length === 0 || !program) return;
    done[i]!.cases.push(...await runTests(runtime, program, timed, env, signal));
  }));
  reports.push(...done.filter(({ cases }) => cases.length > 0));
} finally {
  await provided.stop();
}

if (interruption.signal.aborted) {
  console.error(`Interrupted by ${interruption.signal.reason}`);
  Deno.exit(130);
}
console.log(`\n${summarize(reports, provided.origins)}`);
const { passed, failed } = count(reports.flatMap(({ cases }) => cases));
// Exit explicitly, also after success: a library that keeps something open would make the run wait for ever.
Deno.exit(failed > 0 || passed === 0 ? 1 : 0);
