/**
 * All benchmarks of Trunkline alone.
 *
 * @module
 */

import { growth } from "./growth.ts";
import { size } from "./size.ts";
import type { Study } from "./study.ts";
import { types } from "./types.ts";

/** All of them. */
export const studies: readonly Study[] = [growth, size, types];
