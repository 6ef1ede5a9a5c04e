/**
 * The benchmarks of single servers: the load, the servers, and the texts of the report.
 *
 * @module
 */

import type { Contender } from "./candidates.ts";
import type { LoadOrder, Unaddressed } from "./load/main.ts";
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
  readonly load: Unaddressed<LoadOrder>;
  /** The load of a quick run. */
  readonly quick?: Unaddressed<LoadOrder>;
  /** Selects the servers; all by default. */
  readonly takes?: (candidate: Contender) => boolean;
  /** The dialects that servers speak here, by the dialects that they speak elsewhere. */
  readonly dialects?: Readonly<Record<string, string>>;
  /** How often each server is measured; 3 times by default. Short benchmarks run more often, because their figures vary more. */
  readonly repetitions?: number;
  /** How long the repetitions may take, in seconds; 80 by default. If there is no time for another one, there are fewer. */
  readonly withinS?: number;
  /** The targets of Trunkline. */
  readonly reach?: readonly Aim[];
  /** Judges the rows; by default compares them with `reach`. */
  readonly judge?: (rows: readonly Row[]) => Verdict[];
}

/** Judges the rows of a benchmark. */
export const judge = (bench: Bench, rows: readonly Row[]): Verdict[] =>
  bench.judge?.(rows) ?? verdictsOf(bench, rows);

/** Servers that differ from the others even without bursts of messages. The two others only join or delay bursts. */
const isDistinct = ({ server }: Contender): boolean =>
  server !== "joined sends" && server !== "native publish later";
const isLoop = ({ server, kind }: Contender): boolean => kind === "trunkline" || server === "loop of sends";
/** A broker answers no requests itself. */
const isBroker = ({ runtime, kind }: Contender): boolean => runtime === "native" && kind === "peer";
/** Servers that write each message on its own, and that no target names. `fanout` shows them. */
const isSlow = ({ server }: Contender): boolean => ["loop of sends", "mosquitto", "nchan"].includes(server);

const bare = (runtime: "deno" | "bun") => ({ server: "loop of sends", runtime }) as const;
const crossws = (runtime: "deno" | "bun") => ({ server: "crossws", runtime }) as const;

const SOCKET_IO = { server: "socket.io", runtime: "node" } as const;
const NATIVE_PUBLISH = { server: "native publish", runtime: "bun" } as const;

/** The targets of a fanout: a multiple of crossws's speed, and for Deno also near Bun's native publish. */
const FANOUT: readonly Aim[] = [
  { runtime: "deno", than: crossws("deno"), atLeast: 15 },
  { runtime: "deno", than: NATIVE_PUBLISH, atLeast: 0.75 },
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
    figure: "deliveriesPerCpuSecond",
    withinS: 115,
    load: { shape: "fanout", clients: 32, messages: 640 },
    quick: { shape: "fanout", clients: 32, messages: 160, leastMs: 300 },
    repetitions: 5,
    reach: FANOUT,
  },
  {
    name: "fanout-500",
    what:
      "a chat of 500 clients × 20 short messages, all to all; fewer for servers that need longer than 4 s",
    figure: "deliveriesPerCpuSecond",
    load: { shape: "fanout", clients: 500, messages: 20 },
    quick: { shape: "fanout", clients: 200, messages: 20, leastMs: 300 },
    takes: (contender) => !isSlow(contender), // half a minute each
    reach: [...FANOUT, { runtime: "bun", than: { server: "nats", runtime: "native" }, atLeast: 3 }],
  },
  {
    name: "single",
    what: "one message to 1,000 subscribers, then silence, repeated",
    figure: "deliveriesPerCpuSecond",
    withinS: 75,
    load: { shape: "single", clients: 1_000, messages: 200 },
    quick: { shape: "single", clients: 500, messages: 50 },
    takes: (contender) => isDistinct(contender) && contender.server !== "crossws", // it sends as the runtime does
    repetitions: 5,
    reach: [
      { runtime: "deno", than: bare("deno"), atLeast: 0.9 },
      { runtime: "bun", than: bare("bun"), atLeast: 0.9 },
    ],
  },
  {
    name: "paced",
    what:
      "500 subscribers, one publisher, 2,000 messages a second for 4 s; a server that is a second behind gets no more",
    figure: "p99Ms",
    withinS: 115,
    load: { shape: "paced", clients: 500, messages: 4_000, rate: 2_000 },
    quick: { shape: "paced", clients: 200, messages: 1_000, rate: 1_000 },
    takes: ({ server }) => server !== "loop of sends", // it is too slow for this rate
    reach: [
      { runtime: "deno", than: NATIVE_PUBLISH, atMost: 1.3 },
      { runtime: "bun", than: NATIVE_PUBLISH, atMost: 1.3 },
    ],
  },
  {
    name: "paced-100",
    what:
      "500 subscribers, one publisher, at most 100 messages a second, each when the one before has arrived: none come together",
    figure: "deliveriesPerCpuSecond",
    withinS: 100,
    load: { shape: "paced", clients: 500, messages: 3_000, rate: 100, alone: true },
    quick: { shape: "paced", clients: 200, messages: 1_000, rate: 100, alone: true },
    reach: [
      { runtime: "deno", than: SOCKET_IO, atLeast: 1 },
      { runtime: "bun", than: SOCKET_IO, atLeast: 1 },
      { runtime: "deno", than: bare("deno"), atLeast: 0.9 },
      { runtime: "bun", than: bare("bun"), atLeast: 0.9 },
    ],
  },
  {
    name: "requests",
    what: "32 clients, each sends a request, waits for the answer, and sends the next",
    figure: "deliveriesPerCpuSecond",
    load: { shape: "requests", clients: 32, messages: 2_000, leastMs: 2_000 },
    takes: (contender) => isDistinct(contender) && !isBroker(contender),
    quick: { shape: "requests", clients: 32, messages: 200, leastMs: 300 },
    repetitions: 3,
    reach: [
      { runtime: "deno", than: bare("deno"), atLeast: 0.8 },
      { runtime: "bun", than: bare("bun"), atLeast: 0.8 },
    ],
  },
  {
    name: "idle",
    what: "10,000 connections that send nothing",
    figure: "kbPerConnection",
    withinS: 105,
    load: { shape: "idle", clients: 10_000, messages: 500 },
    takes: (contender) => isDistinct(contender) && contender.server !== "mosquitto", // it takes a minute to open them
    quick: { shape: "idle", clients: 1_000, messages: 200 },
    repetitions: 2, // they hardly differ
    reach: [
      { runtime: "deno", than: bare("deno"), atMost: 1.25 },
      { runtime: "bun", atMost: 3.5 }, // a bare socket is a fraction of the objects that a hub needs
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
      "10,000 clients that come back, 256 at a time, up to the welcome: who the client is has been checked",
    figure: "deliveriesPerCpuSecond",
    withinS: 95,
    load: { shape: "connect", clients: 10_000, messages: 10_000 },
    takes: (contender) => isDistinct(contender) && !isBroker(contender), // brokers are below: their clients subscribe
    quick: { shape: "connect", clients: 1_000, messages: 1_000 },
    dialects: { trunkline: "welcomed" },
    reach: CONNECT,
  },
  {
    name: "connect-subscribed",
    what: "the same, up to the answer to a subscribe to one topic, which is part of the hello",
    figure: "deliveriesPerCpuSecond",
    withinS: 85,
    load: { shape: "connect", clients: 10_000, messages: 10_000 },
    quick: { shape: "connect", clients: 1_000, messages: 1_000 },
    dialects: { trunkline: "subscribed" },
    takes: (contender) => isLoop(contender) || contender.runtime === "native",
    reach: CONNECT,
  },
];
