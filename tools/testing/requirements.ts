/**
 * The requirements of some tests beyond the two runtimes. Each entry says which tests need it, and how to get it.
 *
 * @module
 */

import { findProgram } from "../process.ts";
import { BROKERS } from "./brokers.ts";
import { program } from "./program.ts";
import type { Requirement } from "./requirement.ts";

const chromium = program({
  name: "chromium",
  variable: "CHROMIUM",
  package: { name: "chromium", megabytes: 710 },
  find: () => findProgram("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
  neededBy: (file) => file.startsWith("tests/browser/") || file.startsWith("tests/installs/first_minutes"),
});

const caddy = program({
  name: "caddy",
  variable: "CADDY",
  package: { name: "caddy", megabytes: 50 },
  find: () => findProgram("caddy"),
  neededBy: () => false,
  usedBy: (file) => file.startsWith("tests/examples/cluster"),
});

/** All requirements. A requirement comes after the requirements that it needs. */
export const REQUIREMENTS: readonly Requirement[] = [chromium, caddy, ...BROKERS];
