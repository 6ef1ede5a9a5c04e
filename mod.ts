/**
 * Trunkline: a typed realtime hub for Deno and Bun.
 *
 * A **contract** says what clients and servers may say to each other, with a schema for every payload. A **hub** is
 * the server's side of the contract, a **client** is the other side. An **adapter**, one line of code, connects the
 * hubs of several processes to a cluster.
 *
 * @example A whole application: two hubs of a cluster, and a client on each
 * ```ts
 * import { createClient, createHub, createMemoryAdapter, createMemoryBus, defineContract } from "@trunkline/hub";
 * import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
 * import { assertEquals } from "@std/assert";
 * import { z } from "zod";
 *
 * const Text = z.object({ room: z.string(), text: z.string() });
 * const chat = defineContract({
 *   roles: {
 *     member: {
 *       clientToServer: {
 *         join: { input: z.object({ room: z.string() }), output: z.void() },
 *         say: { payload: Text },
 *       },
 *       serverToClient: { message: { payload: Text } },
 *     },
 *   },
 * });
 *
 * const bus = createMemoryBus(); // between processes: createBroadcastChannelAdapter, a broker's adapter, ...
 * function createNode() {
 *   const loopback = createLoopbackTransport(); // for WebSockets leave `transports` out and mount hub.routes
 *   const hub = createHub(chat, {
 *     authenticate: ({ role }) => ({ role }),
 *     transports: [loopback],
 *     adapter: createMemoryAdapter({ bus }),
 *   });
 *   hub.implement({
 *     member: {
 *       join: ({ room }, { conn }) => hub.room(room).add(conn),
 *       say: (message) => hub.room(message.room).broadcast("message", message),
 *     },
 *   });
 *   const client = createClient(chat, { url: "ws://loopback", role: "member", transport: loopback.client() });
 *   return { hub, client };
 * }
 *
 * const [ann, bob] = [createNode(), createNode()];
 * const heard = new Promise((resolve) => bob.client.on("message", resolve));
 * await bob.client.request("join", { room: "lobby" }); // when it returns, every node reaches bob in the lobby
 * ann.client.signal("say", { room: "lobby", text: "hi" });
 * assertEquals(await heard, { room: "lobby", text: "hi" });
 *
 * for (const { client, hub } of [ann, bob]) {
 *   await client.close();
 *   await hub.close();
 * }
 * ```
 *
 * @module
 */

export {
  type Client,
  type ClientErrorInfo,
  type ClientOptions,
  type ClientStatus,
  type ClientToken,
  type ClientTopic,
  type ClientUrl,
  createClient,
  createWebSocketClientTransport,
  type QuestionContext,
  type QuestionHandlers,
  type ReconnectOptions,
  type Recovery,
  type RequestOptions,
  type RoomMeta,
  type RoomRecovery,
  type StatusInfo,
  type StatusListener,
  type SubscribeOptions,
  type Subscription,
  type SubscriptionStatus,
  type TopicMeta,
} from "./client/mod.ts";
export {
  type CallOptions,
  type Clock,
  CLOSE_CODES,
  type CloseOptions,
  type Codec,
  type Contract,
  type ContractDefinition,
  defineContract,
  ERROR_CODES,
  type ErrorCode,
  type HistoryDefinition,
  HubError,
  type HubErrorOptions,
  jsonCodec,
  type PresenceBy,
  type PresenceChange,
  type PresenceMember,
  type PresencePage,
  type RoleOf,
  type RoomDefinition,
  systemClock,
  type TimerOptions,
  type ValidationIssue,
} from "./contract/mod.ts";
export {
  type AnyBroadcaster,
  type AnyConnection,
  type AnyName,
  type Authorization,
  type Awaitable,
  type Broadcaster,
  type BroadcasterOf,
  type BroadcastOptions,
  type BusContext,
  type BusEventListener,
  type BusListener,
  type BusRequestContext,
  type BusRequestListener,
  type CallBase,
  type Cluster,
  type ClusterCallOptions,
  type ClusterEvents,
  type ClusterListener,
  type ConnectionInfo,
  type ConnectionQuery,
  type ConnectionTarget,
  type Counted,
  createEmitter,
  createHub,
  type CtxAnswer,
  type DisconnectOptions,
  type DisconnectReason,
  type Emitter,
  type EmitterOptions,
  type Everybody,
  type Existence,
  type FirstStates,
  type Found,
  type Gathered,
  type GivenHubOptions,
  type GivenPlaceRules,
  type GivenRules,
  type GivenStates,
  type GivenTopicRules,
  type HandlerContext,
  type Handlers,
  type Handshake,
  type Health,
  type HistoryAddOptions,
  type HistoryBroadcaster,
  type HistoryBroadcastOptions,
  type HistoryPage,
  type HistoryQuery,
  type HistoryReader,
  type HistoryRecord,
  type HistoryRoom,
  type Hub,
  type HubBaseOptions,
  type HubCall,
  type HubCloseOptions,
  type HubClusterOptions,
  type HubConnection,
  type HubErrorInfo,
  type HubErrorStage,
  type HubLimits,
  type HubOptionName,
  type HubOptions,
  type HubOutboxLimits,
  type HubPlaceOf,
  type HubPresence,
  type HubRoleScope,
  type HubRoutes,
  type HubStats,
  type HubTopic,
  type HubUser,
  type Identity,
  type ImplementOptions,
  type Middleware,
  type MissingNode,
  type MissingReason,
  type NodeInfo,
  type NodeLeft,
  type NodeState,
  type OrderQuery,
  type OtherOptions,
  type PlaceVerdicts,
  type Plainly,
  type PresenceAuthorization,
  type PresenceBaseOptions,
  type PresenceEntering,
  type PresenceKind,
  type PresenceListener,
  type PresenceOptionName,
  type PresenceOptions,
  type PresencePageQuery,
  type PresenceQuery,
  type Published,
  type PublishOptions,
  type RefusalCounts,
  type RefusalReason,
  type Rejoin,
  type RequestCall,
  type RoleAnswer,
  type RoleCall,
  type RoleScope,
  type Room,
  type RoomAnswers,
  type RoomHistoryPage,
  type RoomMembers,
  type RoomName,
  type RoomOf,
  type RoomParams,
  type RoomPatterns,
  type RoomQuestions,
  type RoomRecordOf,
  type RoomRequestOptions,
  type SignalCall,
  type SlowConsumerPolicy,
  type SubscriptionCall,
  type SurfaceHandlers,
  type Target,
  type TopicPlace,
  type TopicPublisher,
  type TopicReader,
  type TopicVerdicts,
  type UserAnswer,
  type Verdict,
  type Verdicts,
  type WithHandlers,
  type Writable,
} from "./hub/mod.ts";
export {
  createMemoryAdapter,
  createMemoryBus,
  type MemoryAdapterOptions,
  type MemoryBus,
} from "./adapters/memory.ts";
export {
  createMemoryHistory,
  type MemoryHistory,
  type MemoryHistoryOptions,
} from "./adapters/memory_history/mod.ts";
export {
  createMemoryPresence,
  type MemoryPresence,
  type MemoryPresenceOptions,
} from "./adapters/memory_presence/mod.ts";
export { createWebSocketTransport, type WebSocketTransportOptions } from "./transports/websocket/mod.ts";
