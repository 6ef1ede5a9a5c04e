/**
 * The types of a hub for its users: the contract gives the names and payloads.
 *
 * @module
 */

import type {
  AnswerOutput,
  AnyEventsOf,
  AnyQuestionsOf,
  AsyncDisposing,
  BusEventsOf,
  BusOf,
  BusRequestsOf,
  CallOptions,
  CheckedSurfaces,
  CloseOptions,
  ContractDefinition,
  EventsOf,
  KeepsHistory,
  NameOf,
  NameOfPlace,
  NamesOf,
  OwnTopicsOf,
  ParamsArgument,
  PayloadInput,
  PresenceNames,
  PresenceOf,
  PresenceState,
  PresenceStateInput,
  RequestInput,
  RoleOf,
  SharedTopicsOf,
  SomeSurfaces,
  Suggestion,
  TopicInput,
  TopicNames,
  TopicOutput,
} from "../../contract/mod.ts";
import type { BunWebSocketHandler } from "../../transports/websocket/bun_handler.ts";
import type { BusListener, Gathered } from "./bus.ts";
import type { Published, PublishOptions } from "./history.ts";
import type { Cluster } from "./cluster.ts";
import type { HubUser } from "./connection.ts";
import type { Handlers, ImplementOptions, Middleware } from "./handlers.ts";
import type { AnyName, Broadcaster, RoomName, RoomOf, RoomParams, RoomPatterns } from "./room.ts";
import type { HubRoutes } from "./health.ts";
import type { HubPlaceOf, HubPresence } from "./presence.ts";
import type { HubStats } from "./stats.ts";
import type { HistoryReader, HubTopic, TopicPublisher } from "./topic.ts";

/** One or more connections to which you can send events of the contract. */
export interface Target<D extends ContractDefinition> {
  /**
   * Sends an event to these connections, on any node. Without a connection it sends nothing and throws no error.
   *
   * @throws {HubError} `VALIDATION`, `NOT_FOUND`, or `TOO_LARGE` when the message is too large for the backplane.
   */
  emit<N extends NameOf<AnyEventsOf<D>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<AnyEventsOf<D>>>,
    payload: PayloadInput<AnyEventsOf<D>, N>,
  ): void;
}

/** A connection somewhere in the cluster. */
export interface ConnectionTarget<D extends ContractDefinition> extends Target<D> {
  /**
   * Asks the client.
   *
   * @throws {HubError} `NOT_FOUND` when there is no such connection, `TIMEOUT`, `DISCONNECTED`, or the error that the
   * client answers with.
   */
  request<N extends NameOf<AnyQuestionsOf<D>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<AnyQuestionsOf<D>>>,
    input: RequestInput<AnyQuestionsOf<D>, N>,
    options?: CallOptions,
  ): Promise<AnswerOutput<AnyQuestionsOf<D>, N>>;
  /**
   * Closes the connection. Does nothing when there is no such connection.
   *
   * @param options The code and the reason. The default code is `CLOSE_CODES.DISCONNECTED`: the client does not
   * reconnect by itself.
   * @throws {TypeError} When `options` is not an object of options, or the reason is not text or too long.
   * @throws {RangeError} When the code is out of its range.
   */
  close(options?: CloseOptions): void;
}

/**
 * How to close a hub. By default the remaining clients get the code `CLOSE_CODES.GOING_AWAY` and reconnect to another
 * node.
 */
export interface HubCloseOptions extends CloseOptions {
  /**
   * How long clients may take to move to another node, in milliseconds, rounded up to a whole number.
   *
   * @default {0}
   */
  readonly drainMs?: number;
}

/** All connections of a role. */
export interface RoleScope<D extends ContractDefinition, R extends RoleOf<D>> {
  /** Publishes on a topic of this role; see {@linkcode Hub.publish}. */
  publish<N extends TopicNames<OwnTopicsOf<D, R>>, G extends string = N>(
    topic: N | Suggestion<G, TopicNames<OwnTopicsOf<D, R>>, NameOf<OwnTopicsOf<D, R>>>,
    payload: TopicInput<OwnTopicsOf<D, R>, N>,
    ...options: KeepsHistory<OwnTopicsOf<D, R>, N> extends true ? [options?: PublishOptions] : []
  ): KeepsHistory<OwnTopicsOf<D, R>, N> extends true ? Promise<Published> : void;
  /** A topic of this role, by its pattern and parameters; see {@linkcode Hub.topic}. */
  topic<P extends NameOf<OwnTopicsOf<D, R>>, G extends string = P>(
    pattern: P | Suggestion<G, NameOf<OwnTopicsOf<D, R>>>,
    ...params: ParamsArgument<P>
  ): TopicPublisher<
    NamesOf<P>,
    TopicInput<OwnTopicsOf<D, R>, P>,
    KeepsHistory<OwnTopicsOf<D, R>, P>
  >;
  /**
   * Sends an event to every connection of the role, on every node.
   *
   * @throws {HubError} `VALIDATION`, `NOT_FOUND` when the role has no such event, or `TOO_LARGE` when the message is
   * too large for the backplane.
   */
  emit<N extends NameOf<EventsOf<D, R>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<EventsOf<D, R>>>,
    payload: PayloadInput<EventsOf<D, R>, N>,
  ): void;
}

/** A role on a hub: a {@linkcode RoleScope} that also reads the role's own topics. */
export interface HubRoleScope<D extends ContractDefinition, R extends RoleOf<D>>
  extends RoleScope<D, R>, HistoryReader<OwnTopicsOf<D, R>> {
}

/** A hub: the server's side of a contract, in one process. */
export interface Hub<
  D extends ContractDefinition,
  User extends HubUser | undefined = HubUser | undefined,
  Ctx = unknown,
> extends AsyncDisposing, HistoryReader<SharedTopicsOf<D>> {
  /** The id of this node in the cluster. */
  readonly nodeId: string;
  /**
   * Resolves when the hub serves clients and the other nodes know it. Rejects when the backplane refuses, or does not
   * answer in time.
   *
   * Rejects also when you gave handlers in parts and some are missing. The error names them, and the hub serves
   * clients when you give them. Each read of `ready` looks again for missing handlers.
   *
   * With `startWithoutBackplane` the hub serves from the start.
   */
  readonly ready: Promise<void>;
  /**
   * The HTTP endpoints, for your application to mount: `/` for the transports, `/health`, `/health/live`,
   * `/health/ready`.
   */
  readonly routes: HubRoutes;
  /** The `websocket` option for Bun's server. */
  readonly websocket: BunWebSocketHandler;
  /**
   * Gives the handlers of all requests and signals: all in one call, or in several calls with `{ part: true }`. In
   * one call the compiler finds missing handlers. In parts `ready` rejects and names them.
   *
   * @throws {TypeError} When a handler is missing, not in the contract, not a function, or was given before. The hub
   * then takes no handler of this call.
   */
  implement<const H extends SomeSurfaces<Handlers<D, User, Ctx>>, IsPart extends boolean = false>(
    handlers: CheckedSurfaces<H, Handlers<D, User, Ctx>, IsPart>,
    options?: ImplementOptions<IsPart>,
  ): void;
  /**
   * Runs a function around every request, signal and subscription of clients: to log, to measure, to check rights.
   *
   * Functions run in the order in which you gave them, each around the next: `await next()` ends when the rest has
   * ended. An error that a function throws refuses the call, like an error of a handler. A function that ends without
   * `next()` makes the call fail: `onError` gets the error, and the client gets `INTERNAL`. All functions together
   * have `authorizeTimeoutMs` until the handler is called; for a subscription this includes the rule of `authorize`.
   *
   * @param middleware Called when the input is parsed. Requests and signals of a client come in the order in which it
   * sent them.
   * @throws {TypeError} When it is not a function.
   */
  use(middleware: Middleware<D, User, Ctx>): void;
  /**
   * A room. It exists while a connection is in it.
   *
   * @param name Its name; or a pattern of the contract's `rooms` or `presence`, which editors complete.
   * @param params A value for each parameter of a pattern: `hub.room("chat/:id", { id: "1" })` is the room `chat/1`.
   * @throws {TypeError} When the name is not text, or a parameter is missing, wrong or unknown; see
   * {@linkcode Hub.topic}.
   */
  room<N extends RoomPatterns<D> | AnyName>(name: N, ...params: RoomParams<D, N>): RoomOf<D, RoomName<D, N>>;
  /**
   * Several rooms at once: a connection in several of them gets one copy. A message for more than 64 rooms goes to
   * every node. Rooms that keep history are refused: send to each of them alone.
   *
   * @throws {TypeError} When `names` is not a list, a name is not text, or a room keeps history.
   */
  rooms(names: readonly string[]): Broadcaster<D>;
  /**
   * Publishes on a shared topic. Subscribers of this node get the message in this turn, even when the backplane is
   * away. On a topic with history and a shared store (`history`) they get it when the store has kept it.
   *
   * @param options An id and a transaction, for topics with history.
   * @returns For a topic with history the position of the message, when it is kept; for other topics nothing. If no
   * code listens to the promise by the end of the turn in which it rejects, `onError` gets the error with stage
   * `"call"`. The process goes on. The same holds for every promise of a call that sends or changes something.
   * @throws {TypeError} When the id is not text, is empty, is longer than 256 UTF-16 units, or holds half a surrogate
   * pair. Also when the topic keeps no history. With `tx` also when it is no transaction, or the store takes none.
   * @throws {HubError} `VALIDATION`, `NOT_FOUND`, or `TOO_LARGE` when the message is too large for the backplane. On
   * a topic with history the promise rejects with these errors. With a shared store it also rejects with:
   *
   * - `UNAVAILABLE`: the message is certainly not kept, or the hub is closed.
   * - `UNCERTAIN`: the message may be kept. The store lost its connection after the hub sent the message, or did not
   *   answer within `backplaneTimeoutMs`. A kept message is delivered. Publish it again with the same `id`: the store
   *   keeps it once.
   */
  publish<N extends TopicNames<SharedTopicsOf<D>>, G extends string = N>(
    topic: N | Suggestion<G, TopicNames<SharedTopicsOf<D>>, NameOf<SharedTopicsOf<D>>>,
    payload: TopicInput<SharedTopicsOf<D>, N>,
    ...options: KeepsHistory<SharedTopicsOf<D>, N> extends true ? [options?: PublishOptions] : []
  ): KeepsHistory<SharedTopicsOf<D>, N> extends true ? Promise<Published> : void;
  /**
   * A shared topic by its pattern and parameters, which editors complete:
   * `hub.topic("ticker/:symbol", { symbol: "ACME" }).publish(tick)`. The values go into the name as they are, without
   * escaping.
   *
   * @param pattern The pattern, as the contract has it.
   * @param params A value for each of its parameters: a number, or text that is not empty and has no `/`.
   * @throws {HubError} `NOT_FOUND` when the contract has no such shared topic.
   * @throws {TypeError} When a value is missing, wrong or unknown, or the contract declares the name by another
   * pattern.
   */
  topic<P extends NameOf<SharedTopicsOf<D>>, G extends string = P>(
    pattern: P | Suggestion<G, NameOf<SharedTopicsOf<D>>>,
    ...params: ParamsArgument<P>
  ): HubTopic<
    NamesOf<P>,
    TopicInput<SharedTopicsOf<D>, P>,
    TopicOutput<SharedTopicsOf<D>, P>,
    KeepsHistory<SharedTopicsOf<D>, P>
  >;
  /**
   * The members of a room, or the subscribers of a topic, on all nodes. The topic is a shared topic or a topic of a
   * role.
   *
   * @param place The name of a room; or `{ topic: name }`, with `role` for a topic of a role.
   * @throws {HubError} `NOT_FOUND` when the contract declares no presence for the room or topic.
   */
  presence<const P extends HubPlaceOf<D>, G extends string = NameOfPlace<P>>(
    place: P | Suggestion<G, PresenceNames<D>, NameOf<PresenceOf<D>>>,
  ): HubPresence<PresenceState<D, NameOfPlace<P>>, PresenceStateInput<D, NameOfPlace<P>>>;
  /**
   * All connections of a role.
   *
   * @throws {HubError} `NOT_FOUND` when the contract has no such role.
   */
  forRole<R extends RoleOf<D>, G extends string = R>(role: R | Suggestion<G, RoleOf<D>>): HubRoleScope<D, R>;
  /**
   * All connections of a user, on every node.
   *
   * @throws {TypeError} When the id is not text. An anonymous connection has no user id.
   */
  user(id: string): Target<D>;
  /**
   * A connection, on any node.
   *
   * @throws {TypeError} When the id is not text.
   */
  connection(id: string): ConnectionTarget<D>;
  /** Sends a bus event to every other node. */
  emitServer<N extends NameOf<BusEventsOf<D>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<BusEventsOf<D>>>,
    payload: PayloadInput<BusEventsOf<D>, N>,
  ): void;
  /**
   * Listens to a bus event of other nodes, or answers a bus request. A bus request has one listener.
   *
   * @returns Stops the listener.
   * @throws {HubError} `NOT_FOUND` when the contract has no bus message of that name.
   * @throws {TypeError} When the listener is not a function, or the bus request has a listener already.
   */
  onServer<N extends NameOf<BusOf<D>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<BusOf<D>>>,
    listener: BusListener<D, N>,
  ): () => void;
  /** Sends a bus request to every other node, and collects the answers that come in time. */
  requestServers<N extends NameOf<BusRequestsOf<D>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<BusRequestsOf<D>>>,
    input: RequestInput<BusRequestsOf<D>, N>,
    options?: CallOptions,
  ): Promise<Gathered<AnswerOutput<BusRequestsOf<D>, N>>>;
  /** The nodes, and the connections of all of them. */
  readonly cluster: Cluster;
  /** Counts what the hub holds now; see {@linkcode HubStats}. */
  stats(): HubStats;
  /**
   * Shuts down. The hub takes no new connections and tells clients to reconnect to another node. It spreads this over
   * `drainMs`, but keeps a fifth of it (at most 2 seconds) free at the end for the last clients. Then it closes the
   * remaining connections, the stores and the adapter. If one of them takes more than `backplaneTimeoutMs` and 5 seconds,
   * this is reported with stage `"close"`, and the hub goes on without it. Idempotent. Rejects only when an option is wrong;
   * then nothing is closed.
   *
   * @param options How long the clients have, and the code and reason for the connections that the hub closes.
   */
  close(options?: HubCloseOptions): Promise<void>;
}
