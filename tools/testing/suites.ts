/**
 * The test files: which exist, which are asked for, and which runtimes run them.
 *
 * @module
 */

import { listFiles } from "../files.ts";
import { REQUIREMENTS } from "./requirements.ts";

/** A runtime that tests run on. */
export type RuntimeName = "deno" | "bun";

/** Folders of tests that only Deno can run; every other test runs on both. */
const DENO_ONLY = ["tests/browser/", "tests/installs/", "tests/tools/", "tests/types/"];

/**
 * Folders whose tests run in a process of their own, in the order in which they start. Those that wait most of the time
 * (for a Redis Cluster to be whole again, say) stand beside those that work, and the last are short.
 */
const GROUPS = [
  "tests/adapters/redis_cluster/",
  "tests/browser/",
  "tests/cluster/",
  "tests/load/",
  "tests/adapters/nats/",
  "tests/history/",
  "tests/presence/",
  "tests/types/",
  "tests/adapters/postgres/",
  "tests/adapters/redis/",
  "tests/adapters/rabbitmq/",
  "tests/adapters/libp2p/",
  "tests/examples/",
  "tests/adapters/zeromq/",
  "tests/tools/",
  "tests/docs/",
  "tests/hostile/",
  "tests/torture/",
  "tests/bench/",
];

/** Tests that run only when they are asked for by name, and how: they fetch hundreds of megabytes. */
export const APART: Readonly<Record<string, string>> = { "tests/installs/": "deno task installs" };

/** Which tests are asked for. */
export interface Selection {
  /** Parts of paths: a file is taken when its path contains one of them. All files are taken when there is none. */
  readonly filters?: readonly string[];
  /** Whether to leave out what needs a requirement or takes long. */
  readonly quick?: boolean;
  /** The adapter whose own suite is wanted, alone. */
  readonly adapter?: string;
  /** Whether only the suites of adapters are wanted. */
  readonly conformance?: boolean;
}

/**
 * Selects test files.
 *
 * @param files Paths relative to the root.
 * @param selection Which of them are asked for.
 * @returns The selected paths.
 */
export function selectTests(files: readonly string[], selection: Selection): string[] {
  const { filters = [], quick = false, adapter, conformance = false } = selection;
  return files.filter((file) => {
    if (!file.endsWith("_test.ts")) return false;
    if (filters.length > 0 && !filters.some((filter) => file.includes(filter))) return false;
    if (filters.length === 0 && Object.keys(APART).some((folder) => file.startsWith(folder))) return false;
    if (quick && (file.endsWith("_soak_test.ts") || REQUIREMENTS.some(({ neededBy }) => neededBy(file)))) {
      return false;
    }
    if (conformance && !file.startsWith("tests/adapters/")) return false;
    return adapter === undefined || isSuiteOf(adapter, file);
  });
}

/** Tells whether a file is the suite of an adapter: the file of its name, or any in the folder of its name. */
function isSuiteOf(adapter: string, file: string): boolean {
  const base = `tests/adapters/${adapter.replaceAll("-", "_")}`;
  return file === `${base}_test.ts` || file.startsWith(`${base}/`);
}

/**
 * Takes the files that a runtime runs.
 *
 * @param files Paths relative to the root.
 * @param runtime The runtime.
 * @returns The paths that it runs.
 */
export function testsFor(files: readonly string[], runtime: RuntimeName): string[] {
  if (runtime === "deno") return [...files];
  return files.filter((file) => !DENO_ONLY.some((folder) => file.startsWith(folder)));
}

/**
 * Tells whether a test measures how long things take under load, and so runs after all others: beside it runs nothing but
 * the same test on the other runtime.
 *
 * @param file A path relative to the root.
 */
export function needsMachine(file: string): boolean {
  return file.startsWith("tests/load/") && file.endsWith("_soak_test.ts");
}

/**
 * Tells whether a test measures the heap or what a busy process still does, and so has to have as much of a process for itself
 * as its runtime gives to a file.
 *
 * @param file A path relative to the root.
 */
export function standsAlone(file: string): boolean {
  return ["tests/load/", "tests/soak/"].some((folder) => file.startsWith(folder));
}

/**
 * Tells whether a test uses a native library, which can take its process with it, and the results of all tests in that.
 *
 * @param file A path relative to the root.
 */
export function isNative(file: string): boolean {
  return file.startsWith("tests/adapters/zeromq/");
}

/**
 * Parts files into groups, each of which runs in a process of its own.
 *
 * @param files Paths relative to the root.
 * @returns The groups, none of them empty, in the order in which they are to start: first what is in none of the folders.
 */
export function groupsOf(files: readonly string[]): string[][] {
  const groupOf = (file: string) => GROUPS.findIndex((folder) => file.startsWith(folder));
  const groups = [-1, ...GROUPS.keys()].map((group) => files.filter((file) => groupOf(file) === group));
  return groups.filter((group) => group.length > 0);
}

/**
 * Lists the repository's test files.
 *
 * @returns Their paths relative to the root.
 */
export async function listTests(): Promise<string[]> {
  return (await listFiles("tests")).filter((file) => file.endsWith("_test.ts"));
}
