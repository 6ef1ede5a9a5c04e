/**
 * The benchmarks of single servers: the load, the servers, and the texts of the report.
 *
 * @module
 */

import type { Candidate } from "./candidates.ts";
import type { LoadOrder } from "./load/main.ts";
import { type Aim, nothingLeft, type Verdict, verdictsOf } from "./reach.ts";
import type { Row } from "./rows.ts";

/** A benchmark. */
export interface Bench {
  /** Its name, on the command line and in `results/`. */
  readonly name: string;
  /** What it does, for the report. */
  readonly what: string;
  /** The figure of the rows that is compared. */
  readonly figure: "deliveriesPerSecond" | "deliveriesPerCpuSecond" | "p99Ms" | "rssMb" | "kbPerConnection";
  /** The load. */
  readonly load: Omit<LoadOrder, "port" | "dialect">;
  /** The load of a quick run. */
  readonly quick?: Omit<LoadOrder, "port" | "dialect">;
  /** Selects the servers; all by default. */
  readonly takes?: (candidate: Candidate) => boolean;
  /** The dialects that servers speak here, by the dialects that they speak elsewhere. */
  readonly dialects?: Readonly<Record<string, string>>;
  /** How often each server is measured; 3 times by default. Short benchmarks run more often, because their figures vary more. */
  readonly repetitions?: number;
  /** The targets of Trunkline. */
  readonly reach?: readonly Aim[];
  /** Judges the rows; by default compares them with `reach`. */
  readonly judge?: (rows: readonly Row[]) => Verdict[];
}

/** Judges the rows of a benchmark. */
export const judge = (bench: Bench, rows: readonly Row[]): Verdict[] =>
  bench.judge?.(rows) ?? verdictsOf(bench, rows);

const isLoop = ({ server, kind }: Candidate): boolean => kind === "trunkline" || server === "loop of sends";

const bare = (runtime: "deno" | "bun") => ({ server: "loop of sends", runtime }) as const;
const crossws = (runtime: "deno" | "bun") => ({ server: "crossws", runtime }) as const;

/** The targets of a fanout: a multiple of crossws's speed, and for Deno also near Bun's native publish. */
const FANOUT: readonly Aim[] = [
  { runtime: "deno", than: crossws("deno"), atLeast: 15 },
  { runtime: "deno", than: { server: "native publish", runtime: "bun" }, atLeast: 0.75 },
  { runtime: "bun", than: crossws("bun"), atLeast: 1.5 },
];

/** Near what a bare socket costs. */
const CONNECT: readonly Aim[] = [
  { runtime: "deno", than: bare("deno"), atLeast: 0.8 },
  { runtime: "bun", than: bare("bun"), atLeast: 0.6 },
];

/** All benchmarks. */
export const benches: readonly Bench[] = [
  {
    name: "fanout",
    what: "a chat of 32 clients × 640 short messages, all to all",
    figure: "deliveriesPerSecond",
    load: { shape: "fanout", clients: 32, messages: 640 },
    quick: { shape: "fanout", clients: 32, messages: 160 },
    repetitions: 5,
    reach: FANOUT,
  },
  {
    name: "fanout-500",
    what: "a chat of 500 clients × 20 short messages, all to all",
    figure: "deliveriesPerSecond",
    load: { shape: "fanout", clients: 500, messages: 20 },
    quick: { shape: "fanout", clients: 200, messages: 20 },
    reach: FANOUT,
  },
  {
    name: "single",
    what: "one message to 1,000 subscribers, then silence, repeated",
    figure: "deliveriesPerSecond",
    load: { shape: "single", clients: 1_000, messages: 300 },
    quick: { shape: "single", clients: 500, messages: 50 },
    takes: isLoop,
    repetitions: 15,
    reach: [
      { runtime: "deno", than: bare("deno"), atLeast: 0.95 },
      { runtime: "bun", than: bare("bun"), atLeast: 0.95 },
    ],
  },
  {
    name: "paced",
    what: "500 subscribers, one publisher, 2,000 messages a second for 10 s",
    figure: "p99Ms",
    load: { shape: "paced", clients: 500, messages: 10_000, rate: 2_000 },
    quick: { shape: "paced", clients: 200, messages: 1_000, rate: 1_000 },
    reach: [{ runtime: "deno", atMost: 50 }, { runtime: "bun", atMost: 50 }],
  },
  {
    name: "requests",
    what: "32 clients, each sends a request, waits for the answer, and sends the next",
    figure: "deliveriesPerSecond",
    load: { shape: "requests", clients: 32, messages: 2_000 },
    quick: { shape: "requests", clients: 32, messages: 200 },
    repetitions: 5,
    reach: [
      { runtime: "deno", than: { server: "socket.io", runtime: "node" }, atLeast: 2 },
      { runtime: "bun", than: { server: "socket.io", runtime: "node" }, atLeast: 2 },
    ],
  },
  {
    name: "idle",
    what: "10,000 connections that send nothing",
    figure: "kbPerConnection",
    load: { shape: "idle", clients: 10_000, messages: 500 },
    quick: { shape: "idle", clients: 1_000, messages: 200 },
    reach: [
      { runtime: "deno", than: bare("deno"), atMost: 1.25 },
      { runtime: "bun", than: bare("bun"), atMost: 1.25 },
    ],
  },
  {
    name: "churn",
    what: "10,000 connections that open, join a room, and close, 32 at a time",
    figure: "deliveriesPerSecond",
    load: { shape: "churn", clients: 32, messages: 10_000 },
    quick: { shape: "churn", clients: 32, messages: 500 },
    takes: ({ kind, server }) => kind === "trunkline" || server === "crossws" || server === "socket.io",
    judge: nothingLeft,
  },
  {
    name: "connect",
    what:
      "10,000 connections that open, 256 at a time, up to the welcome: who the client is has been checked",
    figure: "deliveriesPerCpuSecond",
    load: { shape: "connect", clients: 10_000, messages: 1_000 },
    quick: { shape: "connect", clients: 1_000, messages: 100 },
    dialects: { trunkline: "welcomed" },
    reach: CONNECT,
  },
  {
    name: "connect-subscribed",
    what: "the same, up to the answer to a subscribe to one topic, which is part of the hello",
    figure: "deliveriesPerCpuSecond",
    load: { shape: "connect", clients: 10_000, messages: 1_000 },
    quick: { shape: "connect", clients: 1_000, messages: 100 },
    dialects: { trunkline: "subscribed" },
    takes: isLoop,
    reach: CONNECT,
  },
];
