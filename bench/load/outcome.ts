/**
 * The orders for a load, and its result.
 *
 * @module
 */

import type { Dialect } from "./dialects.ts";
import type { Usage } from "./server.ts";

/** The result of a load. Messages of the warm-up are in none of the figures. */
export interface Outcome {
  /** How many messages arrived. */
  readonly delivered: number;
  /** How many messages were expected. */
  readonly expected: number;
  /** Whether one listener got every message once and in order; absent if no listener checks it. */
  readonly ordered?: boolean;
  /** The duration, in milliseconds. */
  readonly ms: number;
  /** The processor time of the server, in milliseconds. */
  readonly cpuMs: number;
  /** The processor time of the load client. If it is more than the server's, the figures show the client's speed. */
  readonly loadCpuMs: number;
  /** How many frames carried them. */
  readonly frames: number;
  /** Latencies in milliseconds, if they were measured. */
  readonly latencies?: Percentiles;
  /** What open connections cost, if the load measures it. */
  readonly open?: OpenConnections;
}

/** The memory of a server with connections that stay open. */
export interface OpenConnections {
  /** With the first of them: the server has run all code that a connection needs. */
  readonly first: Usage;
  /** With all of them. */
  readonly all: Usage;
  /** How many came in between. */
  readonly between: number;
}

/** The orders for a shape. */
export interface Load {
  /** The port of the server. */
  readonly port: number;
  /** The port that answers `/stats`. */
  readonly statsPort: number;
  /** The dialect of the server. */
  readonly dialect: Dialect;
  /** How many connections. */
  readonly clients: number;
  /** The messages of each client, the rounds, or the milliseconds: this depends on the shape. */
  readonly messages: number;
  /**
   * How long the warm-up and the measurement of the fan-out, and of requests, take at least, in milliseconds.
   *
   * @default {1_000}
   */
  readonly leastMs?: number;
  /** Messages a second, for the paced shape. */
  readonly rate?: number;
  /**
   * Whether the paced shape also waits until all clients have a message before it sends the next one. So no messages
   * come together.
   */
  readonly alone?: boolean;
}

/** The percentiles of latencies. */
export interface Percentiles {
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
}

/** Computes the percentiles of values, and sorts the values; `NaN` if there are none. */
export function percentiles(values: Float64Array): Percentiles {
  values.sort();
  const at = (share: number) => values[Math.max(0, Math.ceil(values.length * share) - 1)] ?? NaN;
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}
