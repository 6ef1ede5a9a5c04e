/**
 * Making available what the selected tests need, and setting aside the tests whose needs cannot be met.
 *
 * @module
 */

import type { InstallOptions } from "./apt.ts";
import type { TestCase } from "./junit.ts";
import { type Provision, type Requirement, REQUIREMENTS } from "./requirements.ts";

/** The tests that can run, and what they run with. */
export interface Provided {
  /** The files whose requirements are met. */
  readonly files: readonly string[];
  /** The variables by which the tests find their requirements. */
  readonly env: Record<string, string>;
  /** One entry, with the reason, for each file that cannot run. */
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
  const provisions: Provision[] = [];
  const skipped = new Map<string, TestCase>();
  for (const requirement of requirements) {
    const needy = files.filter(requirement.neededBy);
    if (needy.length === 0) continue;
    const result = await requirement.provide(options);
    if ("env" in result) {
      provisions.push(result);
      continue;
    }
    for (const file of needy) {
      const name = `${file} [skipped: needs ${requirement.name}: ${result.missing}]`;
      skipped.set(file, { name, result: "skipped" });
    }
  }
  return {
    files: files.filter((file) => !skipped.has(file)),
    env: Object.assign({}, ...provisions.map(({ env }) => env)),
    skipped: [...skipped.values()],
    async stop() {
      for (const provision of provisions) await provision.stop?.();
    },
  };
}
