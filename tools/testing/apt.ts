/**
 * Installs programs for tests, on systems of the Debian family.
 *
 * @module
 */

import { findProgram, run } from "../process.ts";

/** The permission to install. */
export interface InstallOptions {
  /** Whether missing programs may be installed. */
  readonly install: boolean;
  /**
   * The reason why not, for the report.
   *
   * @default {"installing is switched off by --no-install"}
   */
  readonly refusal?: string;
}

/**
 * Finds the reason why apt-get cannot install here.
 *
 * @returns The reason, or `undefined` if apt-get can install.
 */
export async function aptObstacle(): Promise<string | undefined> {
  if (!await findProgram("apt-get")) return "there is no apt-get";
  if (Deno.uid() !== 0) return "apt-get needs root";
  return undefined;
}

/**
 * Installs a package with apt-get, and prints this.
 *
 * @param name The package's name.
 * @param options The permission.
 * @returns The reason why it was not installed, or `undefined` if it was.
 */
export async function aptInstall(name: string, options: InstallOptions): Promise<string | undefined> {
  const { install, refusal = "installing is switched off by --no-install" } = options;
  if (!install) return refusal;
  const obstacle = await aptObstacle();
  if (obstacle) return obstacle;
  console.log(`Installing ${name} with apt-get`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", name]]) {
    const code = await run(["apt-get", ...args], env);
    if (code !== 0) return `apt-get ${args[0]} ended with code ${code}`;
  }
  return undefined;
}
