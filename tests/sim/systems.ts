/**
 * What can be simulated.
 *
 * @module
 */

import { membership } from "./membership.ts";
import type { System } from "./system.ts";

/** Everything that can be simulated. */
export const SYSTEMS: readonly System[] = [membership];
