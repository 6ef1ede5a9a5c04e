/**
 * All benchmarks that have their own way to run.
 *
 * @module
 */

import { cores } from "./cluster/cores.ts";
import { crossnode } from "./cluster/crossnode.ts";
import { interest } from "./cluster/interest.ts";
import { presence } from "./cluster/presence.ts";
import { growth } from "./growth.ts";
import { size } from "./size.ts";
import type { Study } from "./study.ts";
import { types } from "./types.ts";

/** All of them. */
export const studies: readonly Study[] = [cores, crossnode, interest, presence, growth, size, types];
