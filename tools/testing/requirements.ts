/**
 * What some tests need beyond the two runtimes: one entry each, saying who needs it and where it comes from.
 *
 * @module
 */

import { findProgram } from "../process.ts";
import { aptInstall } from "./apt.ts";
import { BROKERS } from "./brokers.ts";
import type { Requirement } from "./requirement.ts";

/** What is known of a program beside brokers. */
interface ProgramNeed {
  /** The variable that may hold its path, and does for the tests. */
  readonly variable: string;
  /** Its package. */
  readonly name: string;
  /** What it may be called. */
  readonly programs: readonly string[];
}

/** Finds a program: named, on the PATH, or installed. */
function provideProgram({ variable, name, programs }: ProgramNeed): Requirement["provide"] {
  return async ({ install }) => {
    const path = Deno.env.get(variable) ?? await findProgram(...programs);
    if (path) return { env: { [variable]: path }, origin: path };
    const refusal = await aptInstall(name, { install });
    const installed = await findProgram(...programs);
    if (installed) return { env: { [variable]: installed }, origin: `${installed}, installed with apt-get` };
    const reason = refusal ?? "the package has no program of that name";
    return { missing: `not named by ${variable}, not on the PATH, and not installed: ${reason}` };
  };
}

const chromium: Requirement = {
  name: "chromium",
  variable: "CHROMIUM",
  neededBy: (file) => file.startsWith("tests/browser/"),
  provide: provideProgram({
    variable: "CHROMIUM",
    name: "chromium",
    programs: ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"],
  }),
};

const caddy: Requirement = {
  name: "caddy",
  variable: "CADDY",
  neededBy: () => false,
  usedBy: (file) => file.startsWith("tests/examples/cluster"),
  provide: provideProgram({ variable: "CADDY", name: "caddy", programs: ["caddy"] }),
};

/** Every requirement there is; one that builds on another comes after it. */
export const REQUIREMENTS: readonly Requirement[] = [chromium, caddy, ...BROKERS];
