/**
 * The browser of all tests of a process: starting one takes longer than many a test.
 *
 * @module
 */

import { type Browser, chromium } from "playwright-core";
import process from "node:process";
import { afterAll } from "../harness.ts";

/**
 * What a browser shall do without: for each window Chromium loads two pages beneath its address bar, which nobody sees, and
 * which take longer than what is tested. The others are those that the library that drives it leaves out: there is one list.
 */
const WITHOUT = [
  ...["WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup"],
  ...["AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"],
  ...[
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
  ],
  ...["OptimizationHints", "NetworkTimeServiceQuerying", "AimEnabled", "PreconnectToSearch"],
];

/** The options with which a browser runs anywhere. */
const FLAGS: readonly string[] = [
  "--no-sandbox",
  "--disable-gpu",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  `--disable-features=${WITHOUT}`,
];

async function launch(): Promise<Browser> {
  const { CHROMIUM: executablePath } = process.env;
  if (!executablePath) throw new Error("Cannot start a browser: CHROMIUM does not name one");
  return await chromium.launch({ executablePath, args: [...FLAGS] });
}

/** It runs before the first test begins, so it does not count as left open. Tests close the contexts that they open. */
export const browser: Browser = await launch();
afterAll(() => browser.close());
