/**
 * Whose recovery is measured.
 *
 * @module
 */

import type { BrokerName, NodeCandidate } from "../cluster/candidates.ts";
import type { Runtime } from "../runtimes.ts";

/** Something that publishes stories. */
export interface RecoveryCandidate extends NodeCandidate {
  /** Which broker that takes, if any: then there are several nodes. */
  readonly broker?: BrokerName;
  /** Whether it is part of a quick look. */
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

/** What keeps the histories of several nodes. */
const STORES: readonly BrokerName[] = ["redis", "nats", "postgres"];

/** All of them. */
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

/** What keeps the histories whose cost is measured, and on which runtimes a quick look takes it. */
const MEASURED_STORES: readonly (readonly [BrokerName, ...Runtime[]])[] = [
  ["redis", "deno", "bun"],
  ["redis-cluster"],
  ["nats", "bun"],
  ["postgres", "deno"],
];
const keeping = { ...trunkline, file: "history/trunkline.ts" } as const;

/** What keeps history, on whom its cost is measured. */
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
