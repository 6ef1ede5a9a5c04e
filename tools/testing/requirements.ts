/**
 * What some tests need beyond the two runtimes: one entry each, saying who needs it and where it comes from.
 *
 * @module
 */

import { findProgram } from "../process.ts";
import { aptInstall, type InstallOptions } from "./apt.ts";

/** Something that tests need to run. */
export interface Requirement {
  /** Its name, for the report. */
  readonly name: string;
  /** Tells whether a test file needs it. */
  readonly neededBy: (file: string) => boolean;
  /**
   * Makes it available.
   *
   * @param options Whether missing programs may be installed.
   * @returns The requirement as the tests find it, or why it cannot be had.
   */
  provide(options: InstallOptions): Promise<Provision | Missing>;
}

/** A requirement that is there. */
export interface Provision {
  /** The variables by which the tests find it. */
  readonly env: Record<string, string>;
  /** Ends what was started for the tests. */
  stop?(): Promise<void>;
}

/** A requirement that cannot be had. */
export interface Missing {
  /** Why. */
  readonly missing: string;
}

const chromium: Requirement = {
  name: "chromium",
  neededBy: (file) => file.startsWith("tests/browser/"),
  async provide({ install }) {
    const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    const path = Deno.env.get("CHROMIUM") ?? await findProgram(...names);
    if (path) return { env: { CHROMIUM: path } };
    const refusal = await aptInstall("chromium", { install });
    const installed = await findProgram(...names);
    if (installed) return { env: { CHROMIUM: installed } };
    const reason = refusal ?? "the package has no program of that name";
    return { missing: `not named by CHROMIUM, not on the PATH, and not installed: ${reason}` };
  },
};

/** Every requirement there is. */
export const REQUIREMENTS: readonly Requirement[] = [chromium];
