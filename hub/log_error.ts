/**
 * The default of `onError`: for errors that no caller receives.
 *
 * @module
 */

import type { HubErrorInfo } from "./api/options.ts";

/** Writes an error to the console. */
export function logError(error: unknown, info: HubErrorInfo): void {
  console.error(`[trunkline] ${info.stage}`, info, error);
}
