/**
 * Programs that tests need: a variable names them, they are on the PATH, or they are installed.
 *
 * @module
 */

import { aptInstall } from "./apt.ts";
import type { Package, Requirement } from "./requirement.ts";

/** A program that tests need. */
export interface NeededProgram extends Omit<Requirement, "provide" | "lacks"> {
  /** The package that contains it. */
  readonly package: Package;
  /**
   * Finds it if no variable names it.
   *
   * @returns Its path, or `undefined` if there is none.
   */
  find(): string | undefined | Promise<string | undefined>;
}

/**
 * The requirement of a program.
 *
 * @param needed The program.
 * @returns The requirement.
 */
export function program({ package: lacked, find, ...requirement }: NeededProgram): Requirement {
  const { variable } = requirement;
  const findIt = async () => Deno.env.get(variable) || await find();
  return {
    ...requirement,
    lacks: async () => await findIt() ? undefined : lacked,
    async provide(options) {
      const path = await findIt();
      if (path) return { env: { [variable]: path }, origin: path };
      const refusal = await aptInstall(lacked.name, options);
      const installed = await findIt();
      if (installed) {
        return { env: { [variable]: installed }, origin: `${installed}, installed with apt-get` };
      }
      const reason = refusal ?? "the package has no program of that name";
      return { missing: `not named by ${variable}, not on the PATH, and not installed: ${reason}` };
    },
  };
}
