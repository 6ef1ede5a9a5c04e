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
}

/**
 * Installs a package with apt-get, and says so.
 *
 * @param name The package's name.
 * @param options Whether that is allowed.
 * @returns Why it was not installed, or `undefined` when it was.
 */
export async function aptInstall(name: string, { install }: InstallOptions): Promise<string | undefined> {
  if (!install) return "installing is switched off by --no-install";
  const apt = await findProgram("apt-get");
  if (!apt) return "there is no apt-get";
  if (Deno.uid() !== 0) return "apt-get needs root";
  console.log(`Installing ${name} with apt-get`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  for (const args of [["update", "-qq"], ["install", "-qq", "--yes", "--no-install-recommends", name]]) {
    const code = await run([apt, ...args], env);
    if (code !== 0) return `apt-get ${args[0]} ended with code ${code}`;
  }
  return undefined;
}
