/**
 * Making available what the selected tests need, and setting aside the tests whose needs cannot be met.
 *
 * @module
 */

import type { InstallOptions } from "./apt.ts";
import type { TestCase } from "./junit.ts";
import type { Missing, Provision, Requirement } from "./requirement.ts";
import { REQUIREMENTS } from "./requirements.ts";

/** The tests that can run, and what they run with. */
export interface Provided {
  /** The files whose requirements are met. */
  readonly files: readonly string[];
  /** The variables by which the tests find their requirements. */
  readonly env: Record<string, string>;
  /** What is there and where it comes from, one line each. */
  readonly origins: readonly string[];
  /** One entry, with the reason, for each file that cannot run, and for each requirement that files run without. */
  readonly skipped: readonly TestCase[];
  /** Ends what was started. */
  stop(): Promise<void>;
}

/**
 * Provides what tests need.
 *
 * @param files The selected test files.
 * @param options Whether missing programs may be installed.
 * @param requirements What there is to need.
 * @returns What was provided.
 */
export async function provide(
  files: readonly string[],
  options: InstallOptions,
  requirements: readonly Requirement[] = REQUIREMENTS,
): Promise<Provided> {
  const earlier = new Map<string, Provision | Missing>();
  const skipped = new Map<string, TestCase>();
  const without: TestCase[] = [];
  const stop = async () => {
    await Promise.all([...earlier.values()].map((result) => "env" in result ? result.stop?.() : undefined));
  };
  try {
    for (const requirement of requirements) {
      const { name, neededBy, usedBy } = requirement;
      const needy = files.filter(neededBy);
      const users = files.filter((file) => usedBy?.(file) && !neededBy(file));
      if (needy.length + users.length === 0) continue;
      const result = await requirement.provide({ ...options, earlier });
      earlier.set(name, result);
      if ("env" in result) continue;
      for (const file of needy) {
        skipped.set(file, {
          name: `${file} [skipped: needs ${name}: ${result.missing}]`,
          result: "skipped",
        });
      }
      if (users.length > 0) {
        const title = `what ${users.length} files do with ${name} [skipped: ${result.missing}]`;
        without.push({ name: title, result: "skipped" });
      }
    }
  } catch (error) {
    await stop();
    throw error;
  }
  const provisions = [...earlier].flatMap(([name, result]) => "env" in result ? [{ name, ...result }] : []);
  return {
    files: files.filter((file) => !skipped.has(file)),
    env: Object.assign({}, ...provisions.map(({ env }) => env)),
    origins: provisions.map(({ name, origin }) => `${name}: ${origin}`),
    skipped: [...skipped.values(), ...without],
    stop,
  };
}
