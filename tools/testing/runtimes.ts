/**
 * Running test files on Deno and on Bun.
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

/** The version that is fetched where Bun is not installed. */
const BUN_VERSION = "1.4.5";

/**
 * Runs test files on a runtime, printing what it prints with the runtime's name before. Tests of a native library are run once
 * more when their process ends by a signal: that is told as a skipped test, and what counts is the second time.
 *
 * @param runtime The runtime.
 * @param program What runs it; see {@linkcode findRuntime}.
 * @param files The files' paths, relative to the root.
 * @param env Variables by which the tests find what they need.
 * @param signal Ends the run early.
 * @returns What became of each test. A runtime that fails outside its tests is one failed test more.
 */
export async function runTests(
  runtime: RuntimeName,
  program: readonly string[],
  files: readonly string[],
  env: Record<string, string>,
  signal?: AbortSignal,
): Promise<TestCase[]> {
  if (signal?.aborted) return []; // it would not end what is started from now on
  const { code, cases } = await runOnce(runtime, program, files, env, signal);
  if (!files.every(isNative) || code <= SIGNALLED || signal?.aborted) return cases;
  const again = await runOnce(runtime, program, files, env, signal);
  const why = `[skipped: its native library ended the process with code ${code}; it ran once more]`;
  return [
    { name: `the first run of ${files[0]} and ${files.length - 1} more ${why}`, result: "skipped" },
    ...again.cases,
  ];
}

/** Exit codes above it tell of a signal. */
const SIGNALLED = 128;

/** How a process of tests ended, and what became of each test. */
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
    // A process that ends in the middle of a test writes no report, whatever its exit code.
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
 * What a runtime is given so that it runs files. Deno loads the hub, the libraries and all else anew for each file that it
 * is given, which takes more of the processor than many a file's tests: it is given one that imports all others, but for
 * those that stand alone. Bun keeps what it has loaded.
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
  const imports = together.map((file) => `await import("${pathToFileURL(join(ROOT, file))}");\n`); // in their order
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
 * Checks the types of test files, once for all that run: each process of Deno would do so by itself.
 *
 * @param files The files' paths, relative to the root.
 * @param signal Ends the check early.
 * @returns One test that failed where there are errors.
 */
export async function checkTypes(files: readonly string[], signal?: AbortSignal): Promise<TestCase[]> {
  if (files.length === 0) return []; // without a file it would check everything
  const command = [Deno.execPath(), "check", "--quiet", ...files.map((file) => `./${file}`)];
  const { code } = await runMarked("types|", command, {}, signal);
  return [{ name: "the tests have no type errors", result: code === 0 ? "passed" : "failed" }];
}

/**
 * Finds a runtime; Bun is fetched where it is not installed.
 *
 * @param runtime The runtime.
 * @returns The command that runs it, or `undefined` when there is none.
 */
export async function findRuntime(runtime: RuntimeName): Promise<string[] | undefined> {
  if (runtime === "deno") return [Deno.execPath()];
  const bun = await findProgram("bun");
  if (bun) return [bun];
  const npx = await findProgram("npx");
  if (!npx) return undefined;
  const command = [npx, "--yes", `bun@${BUN_VERSION}`];
  await capture([...command, "--version"]); // now, and not by two lanes at once
  return command;
}
