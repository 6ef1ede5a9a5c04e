/**
 * The servers whose recovery is measured.
 *
 * @module
 */

import type { BrokerName, NodeCandidate } from "../cluster/candidates.ts";
import type { Runtime } from "../runtimes.ts";

/** A server that publishes stories. */
export interface RecoveryCandidate extends NodeCandidate {
  /** The broker that it needs; with a broker there are several nodes. */
  readonly broker?: BrokerName;
  /** Whether it is part of a quick run. */
  readonly quickly?: boolean;
}

const trunkline = {
  kind: "trunkline",
  dialect: "trunkline",
  server: "trunkline",
  file: "recovery/trunkline.ts",
  recovery: true,
} as const;
const socketIo = {
  kind: "peer",
  dialect: "socket.io",
  runtime: "node",
  file: "recovery/socket_io.mjs",
} as const;
const plain = { kind: "peer", dialect: "plain", adapter: "–" } as const;
const plainly = { ...socketIo, server: "socket.io" } as const;
const recovering = { ...socketIo, server: "socket.io, with recovery", recovery: true } as const;

/** The stores for the histories of several nodes. */
const STORES: readonly BrokerName[] = ["redis", "nats", "postgres"];

/** All candidates. */
export const recoveryCandidates: readonly RecoveryCandidate[] = [
  { ...trunkline, runtime: "deno", adapter: "memory", quickly: true },
  { ...trunkline, runtime: "bun", adapter: "memory", quickly: true },
  { ...plainly, adapter: "in-memory" },
  { ...recovering, adapter: "in-memory", quickly: true },
  { ...plain, server: "crossws", runtime: "deno", file: "recovery/crossws_deno.ts" },
  { ...plain, server: "crossws", runtime: "bun", file: "recovery/crossws_bun.ts" },
  {
    ...plain,
    kind: "control",
    server: "native publish",
    runtime: "bun",
    file: "recovery/bun_publish.ts",
    quickly: true,
  },
  ...STORES.flatMap((broker) =>
    (["deno", "bun"] as const).map((runtime) => ({ ...trunkline, runtime, adapter: broker, broker }))
  ),
  { ...plainly, adapter: "redis-adapter", broker: "redis" },
  { ...recovering, adapter: "redis-streams-adapter", broker: "redis" },
];

/** The stores whose cost is measured, and the runtimes on which a quick run includes them. */
const MEASURED_STORES: readonly (readonly [BrokerName, ...Runtime[]])[] = [
  ["redis", "deno", "bun"],
  ["redis-cluster"],
  ["nats", "bun"],
  ["postgres", "deno"],
];
const keeping = { ...trunkline, file: "history/trunkline.ts" } as const;

/** The candidates of the benchmark `history`. */
export const historyCandidates: readonly RecoveryCandidate[] = [
  { ...keeping, runtime: "deno", adapter: "memory", quickly: true },
  { ...keeping, runtime: "bun", adapter: "memory", quickly: true },
  ...MEASURED_STORES.flatMap(([broker, ...quick]) =>
    (["deno", "bun"] as const).map((runtime) => ({
      ...keeping,
      runtime,
      adapter: broker,
      broker,
      quickly: quick.includes(runtime),
    }))
  ),
];
