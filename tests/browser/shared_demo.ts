/**
 * A demo of three nodes, on the adapter that needs no broker, for tests that leave it as it is.
 *
 * @module
 */

import { afterAll } from "../harness.ts";
import { Demo, type DemoWindow } from "./windows.ts";

const shared = await Demo.start();
afterAll(() => shared[Symbol.asyncDispose]());

/** The demo, for one test. */
export interface LentDemo extends AsyncDisposable {
  /** On node 1. */
  readonly ann: DemoWindow;
  /** Opens another window. */
  readonly open: Demo["open"];
}

/** Opens the demo as Ann, and waits until she is alone. All windows close at disposal. */
export async function lendDemo(options?: Parameters<Demo["open"]>[2]): Promise<LentDemo> {
  try {
    const ann = await shared.open("Ann", 1, options);
    await ann.hasPeople("Ann node 1");
    return {
      ann,
      open: (...args) => shared.open(...args),
      [Symbol.asyncDispose]: () => shared.closeWindows(),
    };
  } catch (error) {
    await shared.closeWindows(); // or the next test would meet her
    throw error;
  }
}
