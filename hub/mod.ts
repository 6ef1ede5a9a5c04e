/**
 * The hub: the server's side of a contract.
 *
 * @module
 */

export { createEmitter } from "./create_emitter.ts";
export { createHub } from "./create_hub.ts";
export type { Emitter, EmitterOptions } from "./api/emitter.ts";
export type {
  Cluster,
  ClusterCallOptions,
  ConnectionInfo,
  ConnectionQuery,
  Counted,
  DisconnectOptions,
  Everybody,
  Existence,
  Found,
  MissingNode,
  MissingReason,
  OrderQuery,
} from "./api/cluster.ts";
export type { ClusterEvents, ClusterListener } from "./api/cluster.ts";
export type { SlowConsumerPolicy } from "./api/options.ts";
export type { HistoryPage, HistoryQuery, HistoryRecord, Published, PublishOptions } from "./api/history.ts";
export type {
  Authorization,
  CtxAnswer,
  DisconnectReason,
  Handshake,
  HubBaseOptions,
  HubClusterOptions,
  HubErrorInfo,
  HubErrorStage,
  HubOptions,
  Identity,
  Rejoin,
  RoleAnswer,
  UserAnswer,
} from "./api/options.ts";
export type * from "./api/given_options.ts";
export type { HubLimits, HubOutboxLimits } from "./api/limits.ts";
export type { NodeInfo, NodeLeft, NodeState } from "./api/cluster.ts";
export type { Health, HubRoutes } from "./api/health.ts";
export type {
  HubPlaceOf,
  HubPresence,
  PresenceListener,
  PresencePageQuery,
  PresenceQuery,
  TopicPlace,
} from "./api/presence.ts";
export type {
  PresenceAuthorization,
  PresenceBaseOptions,
  PresenceEntering,
  PresenceKind,
  PresenceOptions,
} from "./api/presence_options.ts";
export type { RefusalCounts, RefusalReason } from "./api/refusals.ts";
export type { HubStats } from "./api/stats.ts";
export type * from "./api/bus.ts";
export type * from "./api/connection.ts";
export type * from "./api/handlers.ts";
export type * from "./api/hub.ts";
export type * from "./api/room.ts";
export type * from "./api/topic.ts";
