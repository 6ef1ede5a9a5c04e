/**
 * Asking whoever runs the tests before anything is installed.
 *
 * @module
 */

import { aptObstacle, type InstallOptions } from "./apt.ts";
import type { Package, Requirement } from "./requirement.ts";

/** A package that would be installed, and the tests that it is for. */
export interface Lack extends Package {
  /** The test files that need it or do more with it. */
  readonly files: readonly string[];
  /** The variable that may name its program. */
  readonly variable: string;
}

/**
 * Finds out whether missing programs may be installed: asks where somebody sits at a terminal, and goes on without a
 * question where nobody does.
 *
 * @param files The selected test files.
 * @param requirements What there is to need.
 * @param install Whether the arguments let install.
 * @returns What may be done, or `undefined` when the question was ended by Ctrl+C.
 */
export async function permission(
  files: readonly string[],
  requirements: readonly Requirement[],
  install: boolean,
): Promise<InstallOptions | undefined> {
  // Both: a question that is printed into a file would wait unseen.
  if (!install || !Deno.stdin.isTerminal() || !Deno.stdout.isTerminal()) return { install };
  if (await aptObstacle()) return { install }; // told later, with each test that is skipped for it
  const lacks = await findLacks(files, requirements);
  if (lacks.length === 0) return { install };
  console.log(describeLacks(lacks));
  const answer = prompt("Install them? [y/N]");
  if (answer === null) return undefined;
  return /^y(es)?$/i.test(answer.trim()) ? { install } : { install: false, refusal: "you did not say yes" };
}

/** What would be installed for files. */
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
 * Says what would be installed, what for, how large it is, and how to do without.
 *
 * @param lacks What would be installed.
 * @returns The text.
 */
export function describeLacks(lacks: readonly Lack[]): string {
  const sum = lacks.reduce((sum, { megabytes }) => sum + megabytes, 0);
  const width = Math.max(...lacks.map(({ name }) => name.length));
  return [
    "Some of these tests want programs that are not here. apt-get would install, with what they need:",
    "",
    ...lacks.map(({ name, megabytes, files, variable }) =>
      `  ${name.padEnd(width)}  about ${megabytes} MB on the disk, for ${
        inWords(files)
      }; or name yours by ${variable}`
    ),
    "",
    `Together about ${sum} MB; the packages' own services are left as apt-get starts them, and not used.`,
    "Without them what needs them is skipped, which is told at the end. Not to be asked: --no-install, or",
    '"deno task test:quick", which needs none.',
  ].join("\n");
}

/** How many files, and where the most of them are. */
function inWords(files: readonly string[]): string {
  const folders = [...new Set(files.map((file) => file.split("/").slice(0, -1).join("/")))];
  const count = files.length === 1 ? "1 file" : `${files.length} files`;
  return `${count} in ${folders.slice(0, 3).join(", ")}${folders.length > 3 ? " and others" : ""}`;
}
