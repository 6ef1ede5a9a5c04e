/**
 * The server: hubs.
 *
 * @module
 */

export { createHub } from "./create_hub.ts";
export type {
  Cluster,
  ClusterCallOptions,
  ConnectionInfo,
  ConnectionQuery,
  Counted,
  Existence,
  Found,
} from "./cluster.ts";
export type { ClusterEvents, ClusterListener } from "./cluster_events.ts";
export type { SlowConsumerPolicy } from "./held.ts";
export type { HistoryPage, HistoryQuery, HistoryRecord, Published } from "./history.ts";
export type {
  Authorization,
  DisconnectReason,
  Handshake,
  HubErrorInfo,
  HubErrorStage,
  HubLimits,
  HubOptions,
  Identity,
} from "./options.ts";
export type { NodeInfo, NodeLeft, NodeState } from "./roster.ts";
export type { Health, HubRoutes } from "./routes.ts";
export type { HubStats } from "./stats.ts";
export type * from "./types.ts";
