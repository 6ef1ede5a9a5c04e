/**
 * What some tests need beyond the two runtimes: one entry each, saying who needs it and where it comes from.
 *
 * @module
 */

import { findProgram } from "../process.ts";
import { aptInstall } from "./apt.ts";
import { BROKERS } from "./brokers.ts";
import type { Requirement } from "./requirement.ts";

const chromium: Requirement = {
  name: "chromium",
  variable: "CHROMIUM",
  neededBy: (file) => file.startsWith("tests/browser/"),
  async provide({ install }) {
    const names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
    const path = Deno.env.get("CHROMIUM") ?? await findProgram(...names);
    if (path) return { env: { CHROMIUM: path }, origin: path };
    const refusal = await aptInstall("chromium", { install });
    const installed = await findProgram(...names);
    if (installed) return { env: { CHROMIUM: installed }, origin: `${installed}, installed with apt-get` };
    const reason = refusal ?? "the package has no program of that name";
    return { missing: `not named by CHROMIUM, not on the PATH, and not installed: ${reason}` };
  },
};

/** Every requirement there is; one that builds on another comes after it. */
export const REQUIREMENTS: readonly Requirement[] = [chromium, ...BROKERS];
