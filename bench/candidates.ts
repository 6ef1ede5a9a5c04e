/**
 * The servers that are measured: Trunkline, bare runtimes as controls, and peers from npm.
 *
 * @module
 */

import type { Runtime } from "./runtimes.ts";

/** A server under test. */
export interface Candidate {
  /** Its name in results. */
  readonly server: string;
  /** The runtime that runs it. */
  readonly runtime: Runtime;
  /** Its kind: Trunkline, a control, or a peer. */
  readonly kind: "trunkline" | "control" | "peer";
  /** Its file in `servers/`. */
  readonly file: string;
  /** The dialect of the load client for it. */
  readonly dialect: string;
}

const control = { kind: "control", dialect: "plain" } as const;
const peer = { kind: "peer", dialect: "plain" } as const;
const trunkline = {
  kind: "trunkline",
  dialect: "trunkline",
  server: "trunkline",
  file: "trunkline.ts",
} as const;

/** All servers. */
export const candidates: readonly Candidate[] = [
  { ...trunkline, runtime: "deno" },
  { ...trunkline, runtime: "bun" },
  { ...control, server: "loop of sends", runtime: "deno", file: "deno_loop.ts" },
  { ...control, server: "loop of sends", runtime: "bun", file: "bun_loop.ts" },
  { ...control, server: "native publish", runtime: "bun", file: "bun_publish.ts" },
  { ...peer, server: "crossws", runtime: "deno", file: "crossws_deno.ts" },
  { ...peer, server: "crossws", runtime: "bun", file: "crossws_bun.ts" },
  { ...peer, server: "socket.io", runtime: "node", file: "socket_io.mjs", dialect: "socket.io" },
];
