/**
 * Whose recovery is measured.
 *
 * @module
 */

import type { Candidate } from "../candidates.ts";
import type { BrokerName } from "../cluster/candidates.ts";

/** Something that publishes stories. */
export interface RecoveryCandidate extends Candidate {
  /** What goes between its nodes, or stands for it where there is one. */
  readonly adapter: string;
  /** Which broker that takes, if any: then there are several nodes. */
  readonly broker?: BrokerName;
  /** Whether it is told to give those who come back what they missed, where that is an option. */
  readonly recovery?: boolean;
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
