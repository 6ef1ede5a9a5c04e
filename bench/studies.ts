/**
 * All studies: benchmarks that have their own way to run.
 *
 * @module
 */

import { cores } from "./cluster/cores.ts";
import { crossnode } from "./cluster/crossnode.ts";
import { interest } from "./cluster/interest.ts";
import { presence } from "./cluster/presence.ts";
import { groups } from "./groups.ts";
import { growth } from "./growth.ts";
import { drops } from "./recovery/drops.ts";
import { history } from "./recovery/history.ts";
import { storm } from "./recovery/storm.ts";
import { size } from "./size.ts";
import type { Study } from "./study.ts";
import { types } from "./types.ts";
import { variants } from "./variants.ts";

/** All studies. */
export const studies: readonly Study[] = [
  cores,
  crossnode,
  interest,
  presence,
  drops,
  storm,
  history,
  groups,
  variants,
  growth,
  size,
  types,
];
