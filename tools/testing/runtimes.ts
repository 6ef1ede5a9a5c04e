/**
 * Runs test files on Deno and on Bun.
 *
 * @module
 */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { killLeftovers } from "../brokers/program.ts";
import { exists, ROOT } from "../files.ts";
import { capture, findProgram, runMarked } from "../process.ts";
import { readJunit, type TestCase } from "./junit.ts";
import { isNative, type RuntimeName, standsAlone } from "./suites.ts";

/** The version to fetch if Bun is not installed. */
const BUN_VERSION = "1.4.5";

/**
 * Runs test files on a runtime. Prints its output, with the runtime's name before each line. If a signal ends the process of
 * tests with a native library, these tests run a second time. The report lists the first run as a skipped test, and the second one counts.
 *
 * @param runtime The runtime.
 * @param program The command of the runtime; see {@linkcode findRuntime}.
 * @param files The files' paths, relative to the root.
 * @param env Variables by which the tests find their requirements.
 * @param signal Ends the run early.
 * @returns The result of each test. If a runtime fails outside its tests, this adds a failed test.
 */
export async function runTests(
  runtime: RuntimeName,
  program: readonly string[],
  files: readonly string[],
  env: Record<string, string>,
  signal?: AbortSignal,
): Promise<TestCase[]> {
  if (signal?.aborted) return []; // the signal would not end a process that starts from now on
  const { code, cases } = await runOnce(runtime, program, files, env, signal);
  if (!files.every(isNative) || code <= SIGNALLED || signal?.aborted) return cases;
  const again = await runOnce(runtime, program, files, env, signal);
  const why = `[skipped: its native library ended the process with code ${code}; it ran once more]`;
  return [
    { name: `the first run of ${files[0]} and ${files.length - 1} more ${why}`, result: "skipped" },
    ...again.cases,
  ];
}

/** Exit codes above this one mean a signal. */
const SIGNALLED = 128;

/** How a test process ended, and the result of each test. */
interface Ended {
  readonly code: number;
  readonly cases: TestCase[];
}

async function runOnce(
  runtime: RuntimeName,
  program: readonly string[],
  files: readonly string[],
  env: Record<string, string>,
  signal?: AbortSignal,
): Promise<Ended> {
  const folder = await Deno.makeTempDir({ prefix: "trunkline-test-" });
  try {
    const report = join(folder, "junit.xml");
    const command = [...program, ...testArgs(runtime, report), ...await entriesOf(runtime, files, folder)];
    const begin = performance.now();
    const { code, output } = await runMarked(
      `${runtime.padEnd(4)}|`,
      command,
      { ...env, TMPDIR: folder },
      signal,
    );
    const seconds = Math.round((performance.now() - begin) / 1_000);
    console.log(`${runtime.padEnd(4)}| ${files[0]} and ${files.length - 1} more took ${seconds} s`);
    const left = await killLeftovers(folder);
    // A process that ends in the middle of a test writes no report, with any exit code.
    if (!await exists(report)) {
      const name = `${runtime} test of ${files[0]} … ended with code ${code} before it could report`;
      return {
        code,
        cases: [{ name, result: "failed", said: `It printed last:\n${stripVTControlCharacters(output)}` }],
      };
    }
    const cases = readJunit(await Deno.readTextFile(report));
    if (left > 0) cases.push({ name: `${runtime} test left ${left} brokers running`, result: "failed" });
    const explained = code === 0 || cases.some(({ result }) => result === "failed");
    if (!explained) cases.push({ name: `${runtime} test ended with code ${code}`, result: "failed" });
    return { code, cases };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/**
 * The files to give to a runtime. Deno loads the hub and the libraries again for each given file, which often takes
 * more time than the tests of the file. So Deno gets one file that imports all others, except the files that must stand
 * alone. Bun loads modules only once.
 */
async function entriesOf(
  runtime: RuntimeName,
  files: readonly string[],
  folder: string,
): Promise<readonly string[]> {
  const together = runtime === "bun" ? [] : files.filter((file) => !standsAlone(file));
  const apart = files.filter((file) => !together.includes(file)).map((file) => `./${file}`);
  if (together.length === 0) return apart;
  const entry = join(folder, "all_test.ts");
  const imports = together.map((file) => `await import("${pathToFileURL(join(ROOT, file))}");\n`); // in the given order
  await Deno.writeTextFile(entry, imports.join(""));
  return [entry, ...apart];
}

function testArgs(runtime: RuntimeName, report: string): string[] {
  return runtime === "deno"
    ? [
      "test",
      "--no-check",
      "--allow-all",
      "--sanitize-ops",
      "--sanitize-resources",
      `--junit-path=${report}`,
    ]
    : ["test", "--reporter=junit", `--reporter-outfile=${report}`];
}

/**
 * Checks the types of test files, once for all processes: otherwise each process of Deno would do it.
 *
 * @param files The files' paths, relative to the root.
 * @param signal Ends the check early.
 * @returns One failed test if there are errors.
 */
export async function checkTypes(files: readonly string[], signal?: AbortSignal): Promise<TestCase[]> {
  if (files.length === 0) return []; // without files, Deno would check everything
  const command = [Deno.execPath(), "check", "--quiet", ...files.map((file) => `./${file}`)];
  const { code } = await runMarked("types|", command, {}, signal);
  return [{ name: "the tests have no type errors", result: code === 0 ? "passed" : "failed" }];
}

/**
 * Finds a runtime. If Bun is not installed, it is fetched.
 *
 * @param runtime The runtime.
 * @returns The command that runs it, or `undefined` if there is none.
 */
export async function findRuntime(runtime: RuntimeName): Promise<string[] | undefined> {
  if (runtime === "deno") return [Deno.execPath()];
  const bun = await findProgram("bun");
  if (bun) return [bun];
  const npx = await findProgram("npx");
  if (!npx) return undefined;
  const command = [npx, "--yes", `bun@${BUN_VERSION}`];
  await capture([...command, "--version"]); // fetch it now, so that two workers do not fetch it at the same time
  return command;
}
