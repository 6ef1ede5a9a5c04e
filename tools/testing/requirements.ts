/**
 * What some tests need beyond the two runtimes: one entry each, saying who needs it and where it comes from.
 *
 * @module
 */

import { findProgram } from "../process.ts";
import { aptInstall } from "./apt.ts";
import { BROKERS } from "./brokers.ts";
import type { Requirement } from "./requirement.ts";

/** The requirement of a program that is no broker: named, on the PATH, or installed. */
function program(
  need: Omit<Requirement, "provide"> & {
    /** What it may be called. */
    readonly programs: readonly string[];
  },
): Requirement {
  const { programs, ...requirement } = need;
  const { name, variable } = requirement;
  return {
    ...requirement,
    async provide({ install }) {
      const path = Deno.env.get(variable) ?? await findProgram(...programs);
      if (path) return { env: { [variable]: path }, origin: path };
      const refusal = await aptInstall(name, { install });
      const installed = await findProgram(...programs);
      if (installed) {
        return { env: { [variable]: installed }, origin: `${installed}, installed with apt-get` };
      }
      const reason = refusal ?? "the package has no program of that name";
      return { missing: `not named by ${variable}, not on the PATH, and not installed: ${reason}` };
    },
  };
}

const chromium = program({
  name: "chromium",
  variable: "CHROMIUM",
  programs: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  neededBy: (file) => file.startsWith("tests/browser/"),
});

const caddy = program({
  name: "caddy",
  variable: "CADDY",
  programs: ["caddy"],
  neededBy: () => false,
  usedBy: (file) => file.startsWith("tests/examples/cluster"),
});

/** Every requirement there is; one that builds on another comes after it. */
export const REQUIREMENTS: readonly Requirement[] = [chromium, caddy, ...BROKERS];
