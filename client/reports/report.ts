/**
 * Where errors go that no call can reject with.
 *
 * @module
 */

import type { ClientErrorInfo } from "../api/mod.ts";

/** Reports an error that no call can reject with. Never throws. */
export type Report = (error: unknown, info: ClientErrorInfo) => void;
