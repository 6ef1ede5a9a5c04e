/**
 * Where errors go that nobody waits for.
 *
 * @module
 */

import type { ClientErrorInfo } from "../api/mod.ts";

/** Reports an error that nobody waits for. Never throws. */
export type Report = (error: unknown, info: ClientErrorInfo) => void;
