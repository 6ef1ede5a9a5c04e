/**
 * What a load is told, and what came of it.
 *
 * @module
 */

import type { Dialect } from "./dialects.ts";
import type { Usage } from "./server.ts";

/** What came of a load. What was said to warm up is in none of the figures. */
export interface Outcome {
  /** How many messages came. */
  readonly delivered: number;
  /** How many should have come. */
  readonly expected: number;
  /** Whether one listener, who looked, heard everything in order and once; absent where nobody looked. */
  readonly ordered?: boolean;
  /** How long it took, in milliseconds. */
  readonly ms: number;
  /** The processor time that the server took for it, in milliseconds. */
  readonly cpuMs: number;
  /** The processor time that the load client took: where it is more than the server's, the client was measured. */
  readonly loadCpuMs: number;
  /** How many frames they came in. */
  readonly frames: number;
  /** Latencies in milliseconds, where they were measured. */
  readonly latencies?: Percentiles;
  /** What the server took with all connections open, where that is the question. */
  readonly open?: Usage;
}

/** What a shape is told. */
export interface Load {
  /** Where the server listens. */
  readonly port: number;
  /** How it is spoken to. */
  readonly dialect: Dialect;
  /** How many connections. */
  readonly clients: number;
  /** How many messages of each, rounds, or milliseconds: as the shape has it. */
  readonly messages: number;
  /** Messages a second, for the paced shape. */
  readonly rate?: number;
}

/** Latencies below which 50, 95 and 99 of a hundred lie. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** The percentiles of values, which it sorts; `NaN` of none. */
export function percentiles(values: Float64Array): Percentiles {
  values.sort();
  const at = (share: number) => values[Math.max(0, Math.ceil(values.length * share) - 1)] ?? NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
