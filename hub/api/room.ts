/**
 * The types of rooms for users of a hub: broadcasts, members and history.
 *
 * @module
 */

import type {
  AnswerOutput,
  AnyEventsOf,
  AnyQuestionsOf,
  CallOptions,
  ContractDefinition,
  HubError,
  NameOf,
  NamesOf,
  ParamsArgument,
  PayloadInput,
  PayloadOutput,
  PresenceOf,
  RequestInput,
  Rewind,
  RoomKeepsHistory,
  RoomsOf,
  Suggestion,
} from "../../contract/mod.ts";
import type { Cluster, MissingNode } from "./cluster.ts";
import type { HistoryPage, HistoryQuery, Published, PublishOptions } from "./history.ts";

/** Any text. Editors still complete the known names. */
export type AnyName = string & Record<never, never>;

/** The patterns of rooms that a contract knows: of its `rooms` and its `presence`. */
export type RoomPatterns<D extends ContractDefinition> = NameOf<RoomsOf<D>> | NameOf<PresenceOf<D>>;

/** The arguments after a room's name: parameters, when the name is a pattern of the contract. */
export type RoomParams<D extends ContractDefinition, N extends string> = [N] extends [RoomPatterns<D>]
  ? ParamsArgument<N>
  : [];

/** The name of a room, from a name or a pattern. */
export type RoomName<D extends ContractDefinition, N extends string> = N extends RoomPatterns<D> ? NamesOf<N>
  : N;

/** Options of a broadcast. */
export interface BroadcastOptions {
  /**
   * This connection gets no copy, on any node. `{ id: undefined }` is refused with a `TypeError`, because then the
   * broadcast would also reach the connection that you meant to leave out.
   */
  readonly except?: { readonly id: string };
}

/** Options of a broadcast to a room that keeps history. */
export interface HistoryBroadcastOptions extends BroadcastOptions, PublishOptions {}

/** One room, or several rooms. A connection in several of them gets one copy. */
export interface Broadcaster<D extends ContractDefinition> {
  /**
   * Sends an event to every connection in the room, on every node, whose role has the event. Connections of this node
   * get it in this turn, even when the backplane is away.
   *
   * @throws {HubError} `VALIDATION`, `NOT_FOUND`, or `TOO_LARGE` when the message is too large for the backplane.
   */
  broadcast<N extends NameOf<AnyEventsOf<D>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<AnyEventsOf<D>>>,
    payload: PayloadInput<AnyEventsOf<D>, N>,
    options?: BroadcastOptions,
  ): void;
}

/** One room that keeps history. */
export interface HistoryBroadcaster<D extends ContractDefinition> {
  /**
   * Keeps an event in the room's history. Then it sends the event to every connection in the room, on every node,
   * whose role has it. The events come in the order of the history.
   *
   * @param options `except`: the connection to leave out, also when its client comes back with another connection.
   * `id`: an id of your own, with which you may broadcast again after `UNCERTAIN`.
   * @returns The position of the event. Rejects with `VALIDATION`, `NOT_FOUND` or `TOO_LARGE`; with `UNAVAILABLE`
   * when it is certainly not kept, with `UNCERTAIN` when it may be kept; with `TypeError` when an option is wrong.
   * If no code listens to the promise, `onError` gets its error. See `Hub.publish`.
   */
  broadcast<N extends NameOf<AnyEventsOf<D>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<AnyEventsOf<D>>>,
    payload: PayloadInput<AnyEventsOf<D>, N>,
    options?: HistoryBroadcastOptions,
  ): Promise<Published>;
}

/** A room whose name is known only at run time. It may keep history or not. */
export interface AnyBroadcaster<D extends ContractDefinition> {
  /** As `Broadcaster.broadcast`; or as `HistoryBroadcaster.broadcast` when the room keeps history. */
  broadcast<N extends NameOf<AnyEventsOf<D>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<AnyEventsOf<D>>>,
    payload: PayloadInput<AnyEventsOf<D>, N>,
    options?: BroadcastOptions,
  ): Promise<Published> | void;
}

/** The broadcaster of a room, by whether the room keeps history. */
export type BroadcasterOf<D extends ContractDefinition, N extends string> = [RoomKeepsHistory<D, N>] extends
  [true] ? HistoryBroadcaster<D>
  : [RoomKeepsHistory<D, N>] extends [false] ? Broadcaster<D>
  : AnyBroadcaster<D>;

/** The members of a room. */
export interface RoomMembers {
  /** Its name. */
  readonly name: string;
  /**
   * Puts a connection of this node into the room. Idempotent.
   *
   * @returns Resolves when broadcasts of every node reach it. With `startWithoutBackplane` it resolves at once while
   * the backplane is away. Then broadcasts of this node reach the connection at once, and broadcasts of other nodes
   * when the backplane is there.
   * @throws {HubError} `DISCONNECTED` when the connection is gone or is removed in the meantime. `UNAVAILABLE` or
   * `TIMEOUT` when the backplane does not subscribe: then the connection is not in the room. If no code listens to
   * the promise, `onError` gets its error.
   */
  add(conn: { readonly id: string }): Promise<void>;
  /**
   * Removes a connection of this node from the room. Does nothing when it is not in the room. In a room that keeps
   * history, the client forgets its last message.
   */
  remove(conn: { readonly id: string }): void;
  /** The connections in the room, on all nodes; see {@linkcode Cluster.connections}. */
  members(): ReturnType<Cluster["connections"]>;
}

/** Options for adding a connection to a room that keeps history. */
export interface HistoryAddOptions {
  /**
   * A client that is new in the room first gets earlier messages, if they are still kept. `{ last: 50 }`: the last 50.
   * `{ sinceMs: 60_000 }`: the messages of the last 60,000 milliseconds. Without it the client begins with new
   * messages. A client that comes back continues after the last message that it got.
   */
  readonly rewind?: Rewind;
}

/** An event that was broadcast to a room. */
export type RoomRecordOf<D extends ContractDefinition> = {
  readonly [N in NameOf<AnyEventsOf<D>>]: {
    /** Its offset. */
    readonly offset: number;
    /** Its name. */
    readonly event: N;
    /** Its payload, parsed. */
    readonly payload: PayloadOutput<AnyEventsOf<D>, N>;
  };
}[NameOf<AnyEventsOf<D>>];

/** A page of the history of a room. */
export interface RoomHistoryPage<R = { offset: number; event: string; payload: unknown }>
  extends Omit<HistoryPage, "records"> {
  /** The events, the oldest first unless you asked for `reverse`. */
  readonly records: readonly R[];
}

/** Options of a request to a room. */
export interface RoomRequestOptions extends CallOptions, BroadcastOptions {}

/** The result of a request to a room. */
export interface RoomAnswers<T> {
  /** The answers that came in time, by the id of the connection. */
  readonly answers: ReadonlyMap<string, T>;
  /**
   * The connections without an answer, by id, and the error of each:
   *
   * - `TIMEOUT`: the answer did not come in time.
   * - `DISCONNECTED`: the client left.
   * - `VALIDATION`: the answer does not fit.
   * - Or the error of the client's handler.
   */
  readonly errors: ReadonlyMap<string, HubError>;
  /** The nodes that did not send the answers of their clients, and why. */
  readonly missing: readonly MissingNode[];
}

/** Requests to all connections in a room. */
export interface RoomQuestions<D extends ContractDefinition> {
  /**
   * Asks every connection in the room, on every node, whose role has the request. Collects the answers that come in
   * time: you get them even if one connection does not answer.
   *
   * @param options How long to wait, by default the hub's `requestTimeoutMs`; a signal to give up; and a connection
   * to leave out.
   * @returns Rejects with `VALIDATION`, `NOT_FOUND` or `TOO_LARGE` when the request cannot be sent. Rejects with the
   * signal's reason when it is aborted, and with `TypeError` or `RangeError` when an option is wrong.
   */
  request<N extends NameOf<AnyQuestionsOf<D>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<AnyQuestionsOf<D>>>,
    input: RequestInput<AnyQuestionsOf<D>, N>,
    options?: RoomRequestOptions,
  ): Promise<RoomAnswers<AnswerOutput<AnyQuestionsOf<D>, N>>>;
}

/** A room that keeps no history. */
export interface Room<D extends ContractDefinition> extends Broadcaster<D>, RoomQuestions<D>, RoomMembers {}

/** A room that keeps history. */
export interface HistoryRoom<D extends ContractDefinition>
  extends HistoryBroadcaster<D>, RoomQuestions<D>, RoomMembers {
  /**
   * Puts a connection of this node into the room. Idempotent. A client that comes back first gets the messages that
   * it missed, as fast as it reads. If some are missing, the client is told. In `onConnection` the hub cannot send
   * yet: it sends these messages after the welcome, and the call does not wait for them.
   *
   * @param options Where a client that is new in the room begins.
   * @returns Resolves when the hub has sent the missed messages, and broadcasts of every node reach the connection.
   * @throws {HubError} As for a room without history. `UNAVAILABLE` or `TIMEOUT` also when the history cannot be
   * read: then the connection is not in the room. When you add it again, it continues where it was.
   * @throws {TypeError} When an option is wrong.
   */
  add(conn: { readonly id: string }, options?: HistoryAddOptions): Promise<void>;
  /** The kept messages of the room, also messages that were sent with `except`. */
  history(query?: HistoryQuery): Promise<RoomHistoryPage<RoomRecordOf<D>>>;
  /** The position of the newest message; offset 0 before the first. */
  position(): Promise<Published>;
}

/** A room, by whether it keeps history. */
export type RoomOf<D extends ContractDefinition, N extends string> = [RoomKeepsHistory<D, N>] extends [true]
  ? HistoryRoom<D>
  : [RoomKeepsHistory<D, N>] extends [false] ? Room<D>
  : AnyBroadcaster<D> & RoomQuestions<D> & RoomMembers;
