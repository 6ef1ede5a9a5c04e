/**
 * What is benchmarked: which load, against which servers, and what is said of it in the report.
 *
 * @module
 */

import type { Candidate } from "./candidates.ts";
import type { LoadOrder } from "./load/main.ts";

/** A benchmark. */
export interface Bench {
  /** Its name, on the command line and in `results/`. */
  readonly name: string;
  /** What it does, for the report. */
  readonly what: string;
  /** What is compared: a figure of the rows. */
  readonly figure: "deliveriesPerSecond" | "p99Ms" | "rssMb" | "kbPerConnection";
  /** The load. */
  readonly load: Omit<LoadOrder, "port" | "dialect">;
  /** The load where time is short. */
  readonly quick?: Omit<LoadOrder, "port" | "dialect">;
  /** Which servers; all by default. */
  readonly takes?: (candidate: Candidate) => boolean;
}

const isLoop = ({ server, kind }: Candidate): boolean => kind === "trunkline" || server === "loop of sends";

/** All benchmarks. */
export const benches: readonly Bench[] = [
  {
    name: "fanout",
    what: "a chat of 32 clients × 640 short messages, all to all",
    figure: "deliveriesPerSecond",
    load: { shape: "fanout", clients: 32, messages: 640 },
    quick: { shape: "fanout", clients: 32, messages: 160 },
  },
  {
    name: "fanout-500",
    what: "a chat of 500 clients × 20 short messages, all to all",
    figure: "deliveriesPerSecond",
    load: { shape: "fanout", clients: 500, messages: 20 },
    quick: { shape: "fanout", clients: 200, messages: 20 },
  },
  {
    name: "single",
    what: "one message to 1,000 subscribers, then silence, repeated",
    figure: "deliveriesPerSecond",
    load: { shape: "single", clients: 1_000, messages: 300 },
    quick: { shape: "single", clients: 500, messages: 50 },
    takes: isLoop,
  },
  {
    name: "paced",
    what: "500 subscribers, one publisher, 2,000 messages a second for 10 s",
    figure: "p99Ms",
    load: { shape: "paced", clients: 500, messages: 10_000, rate: 2_000 },
    quick: { shape: "paced", clients: 200, messages: 1_000, rate: 1_000 },
  },
  {
    name: "requests",
    what: "32 clients, each asks, waits for the answer, and asks again",
    figure: "deliveriesPerSecond",
    load: { shape: "requests", clients: 32, messages: 2_000 },
    quick: { shape: "requests", clients: 32, messages: 200 },
  },
  {
    name: "idle",
    what: "10,000 connections that say nothing",
    figure: "kbPerConnection",
    load: { shape: "idle", clients: 10_000, messages: 500 },
    quick: { shape: "idle", clients: 1_000, messages: 200 },
  },
  {
    name: "churn",
    what: "10,000 connections that come, join a room, and go, 32 at a time",
    figure: "deliveriesPerSecond",
    load: { shape: "churn", clients: 32, messages: 10_000 },
    quick: { shape: "churn", clients: 32, messages: 500 },
    takes: ({ kind, server }) => kind === "trunkline" || server === "crossws" || server === "socket.io",
  },
];
