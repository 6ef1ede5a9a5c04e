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
} from "./directory/cluster.ts";
export type { ClusterEvents, ClusterListener } from "./nodes/cluster_listeners.ts";
export type { SlowConsumerPolicy } from "./outbox/hold_queue.ts";
export type { HistoryPage, HistoryQuery, HistoryRecord, Published } from "./topics/topic_log.ts";
export type {
  Authorization,
  DisconnectReason,
  Handshake,
  HubErrorInfo,
  HubErrorStage,
  HubLimits,
  HubOptions,
  Identity,
} from "./api/options.ts";
export type { NodeInfo, NodeLeft, NodeState } from "./nodes/roster.ts";
export type { Health, HubRoutes } from "./http/routes.ts";
export type { HubStats } from "./stats.ts";
export type * from "./api/hub.ts";
