/**
 * The clusters that are measured: Trunkline with each of its adapters, and the peers with their ways over Redis.
 *
 * @module
 */

import type { Candidate } from "../candidates.ts";
import type { ClusterOrder } from "../load/main.ts";

/** A node of a cluster. */
export interface NodeCandidate extends Candidate {
  /** The name of its adapter; with a single node, of the store. */
  readonly adapter: string;
  /** Whether it recovers missed messages for clients that reconnect, if that is an option. */
  readonly recovery?: boolean;
}

/** A candidate that forms clusters. */
export interface ClusterCandidate extends NodeCandidate {
  /** The broker that it needs. */
  readonly broker: BrokerName;
  /** Whether it is part of a quick run. */
  readonly quickly: boolean;
  /** The only benchmark that uses it; absent: all of them. */
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

/** All candidates. */
export const clusterCandidates: readonly ClusterCandidate[] = [
  ...BROKERS.flatMap((broker) =>
    (["deno", "bun"] as const).map((runtime) => ({ ...trunkline, runtime, adapter: broker, broker }))
  ),
  // ZeroMQ's library does not run on Bun.
  { ...trunkline, runtime: "deno", adapter: "zeromq", broker: "zeromq" },
  { ...trunkline, runtime: "deno", adapter: "zeromq, proxy", broker: "zeromq-proxy" },
  { ...crossws, runtime: "deno", file: "cluster/crossws_deno.ts", quickly: true },
  { ...crossws, runtime: "bun", file: "cluster/crossws_bun.ts", quickly: true },
  { ...crossws, runtime: "node", file: "cluster/crossws_node.mjs", quickly: false },
  { ...socketIo, adapter: "redis-adapter", quickly: true },
  { ...socketIo, adapter: "redis-adapter, sharded", quickly: false, only: "interest" },
  { ...socketIo, adapter: "redis-streams-adapter", quickly: false },
];
