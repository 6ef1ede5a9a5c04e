/**
 * Provides the requirements of the selected tests, and skips the tests whose requirements are not available.
 *
 * @module
 */

import type { InstallOptions } from "./apt.ts";
import type { TestCase } from "./junit.ts";
import type { Missing, Provision, Requirement } from "./requirement.ts";
import { REQUIREMENTS } from "./requirements.ts";

/** The tests that can run, and their requirements. */
export interface Provided {
  /** The files whose requirements are met. */
  readonly files: readonly string[];
  /** The variables by which the tests find their requirements. */
  readonly env: Record<string, string>;
  /** The available requirements and their origins, one line each. */
  readonly origins: readonly string[];
  /**
   * One entry, with the reason, for each file that cannot run, and for each missing requirement that is optional for
   * the files.
   */
  readonly skipped: readonly TestCase[];
  /** Ends everything that was started. */
  stop(): Promise<void>;
}

/**
 * Provides the requirements of tests.
 *
 * @param files The selected test files.
 * @param options Whether missing programs may be installed.
 * @param requirements All requirements.
 * @returns The provided requirements.
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
        const title = `the tests of ${users.length} files that use ${name} [skipped: ${result.missing}]`;
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
