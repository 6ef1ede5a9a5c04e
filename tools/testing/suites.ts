/**
 * The test files: lists them, selects them, and decides which runtimes run them.
 *
 * @module
 */

import { listFiles } from "../files.ts";
import { REQUIREMENTS } from "./requirements.ts";

/** A runtime that tests run on. */
export type RuntimeName = "deno" | "bun";

/** Folders of tests that only Deno can run; all others run on both runtimes. */
const DENO_ONLY = ["tests/browser/", "tests/installs/", "tests/tools/", "tests/types/"];

/**
 * Folders whose tests run in a separate process, in the order of their start. Folders that mostly wait (for a Redis Cluster to
 * recover, for example) run beside folders that mostly work. The last folders are short.
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
  "tests/torture/",
  "tests/hostile/",
  "tests/bench/",
  "tests/adapters/zeromq/",
  "tests/docs/",
  "tests/tools/",
];

/** Tests that run only by their own command, because they fetch hundreds of megabytes. */
export const APART: Readonly<Record<string, string>> = { "tests/installs/": "deno task installs" };

/** A selection of tests. */
export interface Selection {
  /** Parts of paths: a file is selected if its path contains one of them. Empty: all files are selected. */
  readonly filters?: readonly string[];
  /** Whether to leave out tests that have a requirement or take long. */
  readonly quick?: boolean;
  /** Selects only the suite of this adapter. */
  readonly adapter?: string;
  /** Whether to select only the suites of adapters. */
  readonly conformance?: boolean;
}

/**
 * Selects test files.
 *
 * @param files Paths relative to the root.
 * @param selection The selection.
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

/** Tells whether a file is part of the suite of an adapter: the file with its name, or any file in the folder with its name. */
function isSuiteOf(adapter: string, file: string): boolean {
  const base = `tests/adapters/${adapter.replaceAll("-", "_")}`;
  return file === `${base}_test.ts` || file.startsWith(`${base}/`);
}

/**
 * Selects the files that a runtime runs.
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
 * Tells whether a test measures times under load. Such a test runs after all others. Only the same test on the other runtime
 * runs beside it.
 *
 * @param file A path relative to the root.
 */
export function needsMachine(file: string): boolean {
  return file.startsWith("tests/load/") && file.endsWith("_soak_test.ts");
}

/**
 * Tells whether a test measures the heap, or the work of a busy process. Such a file must not share its process more than the
 * runtime itself requires.
 *
 * @param file A path relative to the root.
 */
export function standsAlone(file: string): boolean {
  return ["tests/load/", "tests/soak/"].some((folder) => file.startsWith(folder));
}

/**
 * Tells whether a test uses a native library. Such a library can crash its process, and the results of all tests in it are lost.
 *
 * @param file A path relative to the root.
 */
export function isNative(file: string): boolean {
  return file.startsWith("tests/adapters/zeromq/");
}

/**
 * Divides files into groups. Each group runs in its own process.
 *
 * @param files Paths relative to the root.
 * @returns The groups that are not empty, in the order of their start. First come the files outside of the folders.
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
