/**
 * The hub as its users see it: what the contract makes of names and payloads.
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
   * Sends an event to these connections, on any node. If there is none, nothing is sent, and you get no error.
   *
   * @throws {HubError} `VALIDATION`, `NOT_FOUND`, or `TOO_LARGE` when the backplane cannot carry it.
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
   * @throws {HubError} `NOT_FOUND` when there is no such connection, `TIMEOUT`, `DISCONNECTED`, or the client's answer.
   */
  request<N extends NameOf<AnyQuestionsOf<D>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<AnyQuestionsOf<D>>>,
    input: RequestInput<AnyQuestionsOf<D>, N>,
    options?: CallOptions,
  ): Promise<AnswerOutput<AnyQuestionsOf<D>, N>>;
  /**
   * Closes it. Does nothing when it is not there.
   *
   * @param options The code, by default `CLOSE_CODES.DISCONNECTED`, after which it does not come back by itself; and the reason.
   * @throws {TypeError} When it is no bag of options, or the reason is no text or too long.
   * @throws {RangeError} When the code is out of its range.
   */
  close(options?: CloseOptions): void;
}

/**
 * How a hub is closed. By default the remaining clients get the code `CLOSE_CODES.GOING_AWAY`, and come back to another
 * node.
 */
export interface HubCloseOptions extends CloseOptions {
  /**
   * How long clients may take to go elsewhere, in milliseconds, rounded up to a whole number.
   *
   * @default {0}
   */
  readonly drainMs?: number;
}

/** All connections of a role. */
export interface RoleScope<D extends ContractDefinition, R extends RoleOf<D>> {
  /** Publishes on a topic that is the role's own; see {@linkcode Hub.publish}. */
  publish<N extends TopicNames<OwnTopicsOf<D, R>>, G extends string = N>(
    topic: N | Suggestion<G, TopicNames<OwnTopicsOf<D, R>>, NameOf<OwnTopicsOf<D, R>>>,
    payload: TopicInput<OwnTopicsOf<D, R>, N>,
    ...options: KeepsHistory<OwnTopicsOf<D, R>, N> extends true ? [options?: PublishOptions] : []
  ): KeepsHistory<OwnTopicsOf<D, R>, N> extends true ? Promise<Published> : void;
  /** A topic that is the role's own, by its pattern and parameters; see {@linkcode Hub.topic}. */
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
   * @throws {HubError} `VALIDATION`, `NOT_FOUND` when the role has no such event, or `TOO_LARGE` when the backplane cannot
   * carry it.
   */
  emit<N extends NameOf<EventsOf<D, R>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<EventsOf<D, R>>>,
    payload: PayloadInput<EventsOf<D, R>, N>,
  ): void;
}

/** A role on a hub: what every {@linkcode RoleScope} does, and reads of the role's own topics. */
export interface HubRoleScope<D extends ContractDefinition, R extends RoleOf<D>>
  extends RoleScope<D, R>, HistoryReader<OwnTopicsOf<D, R>> {
}

/** A hub: one server process's end of a contract. */
export interface Hub<D extends ContractDefinition, User extends HubUser = HubUser, Ctx = unknown>
  extends AsyncDisposing, HistoryReader<SharedTopicsOf<D>> {
  /** The identity of this node in the cluster. */
  readonly nodeId: string;
  /**
   * Resolves when the hub serves clients, and the nodes that are there know of it; rejects when the backplane refuses
   * or does not answer in time, and when `implement` was given parts and handlers are missing at the time when this is asked for: it
   * names them, and the hub serves when they come. With `startWithoutBackplane` the hub serves from the start.
   */
  readonly ready: Promise<void>;
  /** The endpoints, for an application to mount: the transports' at `/`, `/health`, `/health/live`, `/health/ready`. */
  readonly routes: HubRoutes;
  /** What Bun's server is given as `websocket`. */
  readonly websocket: BunWebSocketHandler;
  /**
   * Gives the handlers of everything that clients send: all at once, or with `{ part: true }` some in each of several calls. What is
   * missing is an error of the compiler in the first case; of parts `ready` rejects and names it.
   *
   * @throws {TypeError} When a handler is missing, not in the contract or no function, or was given before. None of the call is
   * taken then.
   */
  implement<const H extends SomeSurfaces<Handlers<D, User, Ctx>>, IsPart extends boolean = false>(
    handlers: CheckedSurfaces<H, Handlers<D, User, Ctx>, IsPart>,
    options?: ImplementOptions<IsPart>,
  ): void;
  /**
   * Runs a function around every request, signal and subscription of clients: to log, to measure, to check rights. Functions
   * run in the order in which they were given, each around the next: `await next()` ends when the rest has ended. What one
   * throws refuses the call, as what a handler throws does. One that ends without `next()` has lost the call: that is an error, told to
   * `onError` and as `INTERNAL` to the client. Before `next()` each has `authorizeTimeoutMs` at the most.
   *
   * @param middleware Called once its input is parsed, in the order in which a client has sent its requests and signals.
   * @throws {TypeError} When it is no function.
   */
  use(middleware: Middleware<D, User, Ctx>): void;
  /**
   * A room. It exists while a connection is in it.
   *
   * @param name Its name; or a pattern of the contract's `rooms` or `presence`, which editors complete.
   * @param params With a pattern a value for each of its parameters: `hub.room("chat/:id", { id: "1" })` is the room `chat/1`.
   * @throws {TypeError} When the name is not text, or a parameter is missing, wrong or too many; see {@linkcode Hub.topic}.
   */
  room<N extends RoomPatterns<D> | AnyName>(name: N, ...params: RoomParams<D, N>): RoomOf<D, RoomName<D, N>>;
  /**
   * Several rooms at once: a connection that is in many of them gets one copy. What is for more than 64 rooms goes to every
   * node. Not for rooms that keep history: send to each of those by itself.
   *
   * @throws {TypeError} When the names are no list, one is not text, or one is of a room that keeps history.
   */
  rooms(names: readonly string[]): Broadcaster<D>;
  /**
   * Publishes on a shared topic. Subscribers of this node get the message in this turn, even when the backplane is
   * away. On a topic with history and a shared store (`history`) they get it when the store has kept it.
   *
   * @param options An id and a transaction, for topics with history.
   * @returns For a topic with history the position of the message, once it is kept; for others nothing.
   * @throws {TypeError} When the id is no text, empty, longer than 256 UTF-16 units or holds half a surrogate pair, or the topic keeps no
   * history. With `tx` also when the store takes no transactions, or it is none.
   * @throws {HubError} `VALIDATION`, `NOT_FOUND`, or `TOO_LARGE` when the backplane cannot carry it. On a topic with
   * history they are rejections, and with a shared store also `UNAVAILABLE` when the message is certainly not kept, and
   * `UNCERTAIN` when it may be: the store lost its link after it was sent, or has not answered within
   * `backplaneTimeoutMs`. It is delivered if it is kept. Publish it again with the same `id`: it is kept once. After
   * `close` it is `UNAVAILABLE`.
   */
  publish<N extends TopicNames<SharedTopicsOf<D>>, G extends string = N>(
    topic: N | Suggestion<G, TopicNames<SharedTopicsOf<D>>, NameOf<SharedTopicsOf<D>>>,
    payload: TopicInput<SharedTopicsOf<D>, N>,
    ...options: KeepsHistory<SharedTopicsOf<D>, N> extends true ? [options?: PublishOptions] : []
  ): KeepsHistory<SharedTopicsOf<D>, N> extends true ? Promise<Published> : void;
  /**
   * A shared topic by its pattern and parameters, which editors complete:
   * `hub.topic("ticker/:symbol", { symbol: "ACME" }).publish(tick)`. A value stands in the name as it is; nothing is escaped.
   *
   * @param pattern The pattern, as the contract has it.
   * @param params A value for each of its parameters: text that is not empty and has no `/`, or a number.
   * @throws {HubError} `NOT_FOUND` when the contract has no such shared topic.
   * @throws {TypeError} When a value is missing, wrong or too many, or the contract declares the name by another pattern.
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
   * The members of a room, or the subscribers of a topic, on all nodes. The topic may be a shared one, or one of a
   * role.
   *
   * @param place The name of a room; `{ topic: name }` for a topic, with `role` for one of a role's own.
   * @throws {HubError} `NOT_FOUND` when the contract declares no presence for it.
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
   * @throws {TypeError} When the id is not text: an anonymous connection has no user to address.
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
   * Listens to a bus event of other nodes, or answers a bus request (one listener a request).
   *
   * @returns Stops it.
   * @throws {HubError} `NOT_FOUND` when the contract has none of that name.
   * @throws {TypeError} When the listener is no function, or a bus request has an answerer already.
   */
  onServer<N extends NameOf<BusOf<D>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<BusOf<D>>>,
    listener: BusListener<D, N>,
  ): () => void;
  /** Asks every other node, and collects the answers that come in time. */
  requestServers<N extends NameOf<BusRequestsOf<D>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<BusRequestsOf<D>>>,
    input: RequestInput<BusRequestsOf<D>, N>,
    options?: CallOptions,
  ): Promise<Gathered<AnswerOutput<BusRequestsOf<D>, N>>>;
  /** The nodes, and the connections of all of them. */
  readonly cluster: Cluster;
  /** Counts what the hub holds now. All counts are zero when no client is left. */
  stats(): HubStats;
  /**
   * Shuts down: takes no new connections, tells clients to reconnect elsewhere, spread over `drainMs` but for a fifth of it
   * or 2 seconds at its end, so that the last ones have gone when it is over, then closes
   * those that are left, and the adapter. Idempotent; rejects only when an option is wrong, and then nothing is closed.
   *
   * @param options How long it takes, and the code and reason that the closed clients get.
   */
  close(options?: HubCloseOptions): Promise<void>;
}
