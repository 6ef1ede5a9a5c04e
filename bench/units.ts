/**
 * The units of figures.
 *
 * @module
 */

import type { Bench } from "./benches.ts";

/** The unit of each figure, for readers. */
export const UNITS: Readonly<Record<Bench["figure"], string>> = {
  deliveriesPerSecond: "per second",
  deliveriesPerCpuSecond: "per CPU second",
  p99Ms: "ms, p99",
  rssMb: "memory, MB",
  kbPerConnection: "kB per connection",
};
