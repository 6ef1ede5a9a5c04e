/**
 * The browser of all tests of a process: starting one takes longer than many a test.
 *
 * @module
 */

import { type Browser, chromium } from "playwright-core";
import process from "node:process";
import { afterAll } from "../harness.ts";

/** What a browser needs to run anywhere, by itself. */
const FLAGS: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

async function launch(): Promise<Browser> {
  const { CHROMIUM: executablePath } = process.env;
  if (!executablePath) throw new Error("Cannot start a browser: CHROMIUM does not name one");
  return await chromium.launch({ executablePath, args: [...FLAGS] });
}

/** It runs before the first test begins, and is none of what that leaves open. Tests close the contexts that they open. */
export const browser: Browser = await launch();
afterAll(() => browser.close());
