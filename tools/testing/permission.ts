/**
 * Asks the user before anything is installed.
 *
 * @module
 */

import { aptObstacle, type InstallOptions } from "./apt.ts";
import type { Package, Requirement } from "./requirement.ts";

/** A missing package, and the tests that need it. */
export interface Lack extends Package {
  /** The test files that need it, or that run more tests with it. */
  readonly files: readonly string[];
  /** The variable that may name its program. */
  readonly variable: string;
}

/**
 * Finds out whether missing programs may be installed. Asks on a terminal; without a terminal it goes on without a
 * question.
 *
 * @param files The selected test files.
 * @param requirements All requirements.
 * @param install Whether the arguments allow installing.
 * @returns The permission, or `undefined` if Ctrl+C ended the question.
 */
export async function permission(
  files: readonly string[],
  requirements: readonly Requirement[],
  install: boolean,
): Promise<InstallOptions | undefined> {
  // Input and output: if the question went into a file, it would wait unseen.
  if (!install || !Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) return { install };
  if (await aptObstacle()) return { install }; // the report says so later, for each skipped test
  const lacks = await findLacks(files, requirements);
  if (lacks.length === 0) return { install };
  console.log(describeLacks(lacks));
  const answer = prompt("Install them? [y/N]");
  if (answer === null) return undefined;
  return /^y(es)?$/i.test(answer.trim()) ? { install } : { install: false, refusal: "you did not say yes" };
}

/** The packages that files need and that are missing. */
async function findLacks(files: readonly string[], requirements: readonly Requirement[]): Promise<Lack[]> {
  const lacks: Lack[] = [];
  for (const { variable, neededBy, usedBy, lacks: lacking } of requirements) {
    const users = files.filter((file) => neededBy(file) || usedBy?.(file));
    const lack = users.length > 0 ? await lacking?.() : undefined;
    if (lack) lacks.push({ ...lack, files: users, variable });
  }
  return lacks;
}

/**
 * Describes the missing packages: their purpose, their size, and how to run without them.
 *
 * @param lacks The missing packages.
 * @returns The text.
 */
export function describeLacks(lacks: readonly Lack[]): string {
  const sum = lacks.reduce((sum, { megabytes }) => sum + megabytes, 0);
  const width = Math.max(...lacks.map(({ name }) => name.length));
  return [
    "Some of these tests need programs that are missing. apt-get would install these, with their dependencies:",
    "",
    ...lacks.map(({ name, megabytes, files, variable }) =>
      `  ${name.padEnd(width)}  about ${megabytes} MB on disk, for ${
        inWords(files)
      }; or set ${variable} to yours`
    ),
    "",
    `Together about ${sum} MB. If apt-get starts services of these packages, the tests neither change nor use them.`,
    "Without the programs, their tests are skipped, and the report names them. To avoid this question use --no-install, or",
    '"deno task test:quick", which needs none of them.',
  ].join("\n");
}

/** The number of files, and the folder with most of them. */
function inWords(files: readonly string[]): string {
  const folders = [...new Set(files.map((file) => file.split("/").slice(0, -1).join("/")))];
  const count = files.length === 1 ? "1 file" : `${files.length} files`;
  return `${count} in ${folders.slice(0, 3).join(", ")}${folders.length > 3 ? " and others" : ""}`;
}
