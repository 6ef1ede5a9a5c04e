/**
 * Installing what tests need, on systems of the Debian family.
 *
 * @module
 */

import { findProgram, run } from "../process.ts";

/** Whether anything may be installed. */
export interface InstallOptions {
  /** Whether missing programs may be installed. */
  readonly install: boolean;
  /**
   * Why they may not, for the report.
   *
   * @default {"installing is switched off by --no-install"}
   */
  readonly refusal?: string;
}

/**
 * Tells why nothing can be installed here, whatever is allowed.
 *
 * @returns The reason, or `undefined` when apt-get can install.
 */
export async function aptObstacle(): Promise<string | undefined> {
  if (!await findProgram("apt-get")) return "there is no apt-get";
  if (Deno.uid() !== 0) return "apt-get needs root";
  return undefined;
}

/**
 * Installs a package with apt-get, and says so.
 *
 * @param name The package's name.
 * @param options Whether that is allowed.
 * @returns Why it was not installed, or `undefined` when it was.
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
