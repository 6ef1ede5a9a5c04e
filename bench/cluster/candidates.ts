/**
 * What is measured as clusters: Trunkline with each of its adapters, and what peers have for Redis.
 *
 * @module
 */

import type { Candidate } from "../candidates.ts";
import type { ClusterOrder } from "../load/main.ts";

/** What nodes are. */
export interface NodeCandidate extends Candidate {
  /** What goes between its nodes, or stands for it where there is one. */
  readonly adapter: string;
  /** Whether it is told to give those who come back what they missed, where that is an option. */
  readonly recovery?: boolean;
}

/** Something that forms clusters. */
export interface ClusterCandidate extends NodeCandidate {
  /** Which broker that takes. */
  readonly broker: BrokerName;
  /** Whether it is part of a quick look. */
  readonly quickly: boolean;
  /** The one benchmark that it is of use for; all when absent. */
  readonly only?: ClusterOrder["shape"];
}

/** The brokers. */
export type BrokerName =
  | "redis"
  | "redis-cluster"
  | "nats"
  | "rabbitmq"
  | "postgres"
  | "zeromq"
  | "zeromq-proxy"
  | "node-cluster"
  | "libp2p";

const trunkline = {
  kind: "trunkline",
  dialect: "trunkline",
  server: "trunkline",
  file: "cluster/trunkline.ts",
  quickly: true,
} as const;
const crossws = {
  kind: "peer",
  dialect: "plain",
  server: "crossws",
  adapter: "sync/redis",
  broker: "redis",
} as const;
const socketIo = {
  kind: "peer",
  dialect: "socket.io",
  server: "socket.io",
  runtime: "node",
  broker: "redis",
  file: "cluster/socket_io.mjs",
} as const;
const BROKERS: readonly BrokerName[] = [
  "redis",
  "redis-cluster",
  "nats",
  "rabbitmq",
  "postgres",
  "node-cluster",
  "libp2p",
];

/** All of them. */
export const clusterCandidates: readonly ClusterCandidate[] = [
  ...BROKERS.flatMap((broker) =>
    (["deno", "bun"] as const).map((runtime) => ({ ...trunkline, runtime, adapter: broker, broker }))
  ),
  // Its library does not run on Bun.
  { ...trunkline, runtime: "deno", adapter: "zeromq", broker: "zeromq" },
  { ...trunkline, runtime: "deno", adapter: "zeromq, proxy", broker: "zeromq-proxy" },
  { ...crossws, runtime: "deno", file: "cluster/crossws_deno.ts", quickly: true },
  { ...crossws, runtime: "bun", file: "cluster/crossws_bun.ts", quickly: true },
  { ...crossws, runtime: "node", file: "cluster/crossws_node.mjs", quickly: false },
  { ...socketIo, adapter: "redis-adapter", quickly: true },
  { ...socketIo, adapter: "redis-adapter, sharded", quickly: false, only: "interest" },
  { ...socketIo, adapter: "redis-streams-adapter", quickly: false },
];
