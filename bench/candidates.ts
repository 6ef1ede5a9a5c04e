/**
 * The servers that are measured: Trunkline, bare runtimes as controls, peers from npm, and programs of other kinds.
 *
 * @module
 */

import type { ProgramName } from "./native/programs.ts";
import { missingFor } from "./native/start.ts";
import type { Runtime } from "./runtimes.ts";

/** A server under test. */
export interface Contender {
  /** Its name in results. */
  readonly server: string;
  /** The runtime that runs it; `"native"` for a program. */
  readonly runtime: Runtime | "native";
  /** Its kind: Trunkline, a control, or a peer. */
  readonly kind: "trunkline" | "control" | "peer";
  /** The dialect of the load client for it. */
  readonly dialect: string;
  /** The only benchmark that it is part of; absent: all that take it. */
  readonly only?: string;
}

/** A server that a runtime runs. */
export interface Candidate extends Contender {
  readonly runtime: Runtime;
  /** Its file in `servers/`. */
  readonly file: string;
}

/** A server that is a program of its own. */
export interface NativeCandidate extends Contender {
  readonly runtime: "native";
  readonly program: ProgramName;
}

const control = { kind: "control", dialect: "plain" } as const;
const peer = { kind: "peer", dialect: "plain" } as const;
const trunkline = {
  kind: "trunkline",
  dialect: "trunkline",
  server: "trunkline",
  file: "trunkline.ts",
} as const;

/** All servers that a runtime runs. */
export const candidates: readonly Candidate[] = [
  { ...trunkline, runtime: "deno" },
  { ...trunkline, runtime: "bun" },
  { ...control, server: "loop of sends", runtime: "deno", file: "deno_loop.ts" },
  { ...control, server: "loop of sends", runtime: "bun", file: "bun_loop.ts" },
  { ...control, server: "native publish", runtime: "bun", file: "bun_publish.ts" },
  { ...control, server: "native publish later", runtime: "bun", file: "bun_publish_later.ts" },
  { ...control, server: "joined sends", runtime: "deno", file: "joined.ts", dialect: "joined" },
  { ...control, server: "joined sends", runtime: "bun", file: "joined.ts", dialect: "joined" },
  {
    ...control,
    server: "hello and welcome",
    runtime: "deno",
    file: "greeting.ts",
    dialect: "welcomed",
    only: "connect",
  },
  {
    ...control,
    server: "hello and welcome",
    runtime: "bun",
    file: "greeting.ts",
    dialect: "welcomed",
    only: "connect",
  },
  { ...peer, server: "crossws", runtime: "deno", file: "crossws_deno.ts" },
  { ...peer, server: "crossws", runtime: "bun", file: "crossws_bun.ts" },
  { ...peer, server: "socket.io", runtime: "node", file: "socket_io.mjs", dialect: "socket.io" },
];

/** All servers that are programs of their own. */
export const nativeCandidates: readonly NativeCandidate[] = [
  { ...control, server: "limit", runtime: "native", program: "limit", dialect: "joined" },
  { ...peer, server: "nats", runtime: "native", program: "nats", dialect: "nats" },
  { ...peer, server: "mosquitto", runtime: "native", program: "mosquitto", dialect: "mqtt" },
  { ...peer, server: "nchan", runtime: "native", program: "nchan", dialect: "nchan" },
];

/**
 * Tells why a server cannot be measured here.
 *
 * @param candidate The server.
 * @param paths The paths of the runtimes.
 * @returns What is missing; `undefined` if nothing is.
 */
export function missing(
  candidate: Candidate | NativeCandidate,
  paths: Readonly<Partial<Record<Runtime, string>>>,
): string | undefined {
  if ("program" in candidate) return missingFor(candidate.program);
  return paths[candidate.runtime] ? undefined : candidate.runtime;
}
