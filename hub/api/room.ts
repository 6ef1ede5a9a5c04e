/**
 * Rooms as users of a hub see them: what is broadcast to them, and what is kept of it.
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

/** Any text, beside which editors complete the names that are known. */
export type AnyName = string & Record<never, never>;

/** The patterns of rooms that a contract knows: of its `rooms` and its `presence`. */
export type RoomPatterns<D extends ContractDefinition> = NameOf<RoomsOf<D>> | NameOf<PresenceOf<D>>;

/** What beside a room's name has to be given: parameters, where it is a pattern of the contract. */
export type RoomParams<D extends ContractDefinition, N extends string> = [N] extends [RoomPatterns<D>]
  ? ParamsArgument<N>
  : [];

/** The name of a room, from a name or a pattern. */
export type RoomName<D extends ContractDefinition, N extends string> = N extends RoomPatterns<D> ? NamesOf<N>
  : N;

/** Which connection does not get a broadcast. */
export interface BroadcastOptions {
  /**
   * This connection gets no copy, on any node. `{ id: undefined }` is refused with a `TypeError`, because then the
   * broadcast would also reach the connection that you meant to leave out.
   */
  readonly except?: { readonly id: string };
}

/** Options of a broadcast to a room that keeps history. */
export interface HistoryBroadcastOptions extends BroadcastOptions, PublishOptions {}

/** One room, or several of which every connection gets one copy. */
export interface Broadcaster<D extends ContractDefinition> {
  /**
   * Sends an event to every connection in the room, on every node, whose role has it. Connections of this node get it
   * in this turn, even when the backplane is away.
   *
   * @throws {HubError} `VALIDATION`, `NOT_FOUND`, or `TOO_LARGE` when the backplane cannot carry it.
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
   * Keeps an event in the room's history, and sends it to every connection in the room, on every node, whose role has it: in
   * the order of the history, once it is kept.
   *
   * @param options Whom to leave out, also when it comes back under another connection; and an id of your own, with which you
   * may broadcast again after `UNCERTAIN`.
   * @returns Where it stands. Rejects with `VALIDATION`, `NOT_FOUND`, `TOO_LARGE`, with `UNAVAILABLE` when it is certainly not
   * kept, with `UNCERTAIN` when it may be, and with `TypeError` when an option is wrong; see `Hub.publish`.
   */
  broadcast<N extends NameOf<AnyEventsOf<D>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<AnyEventsOf<D>>>,
    payload: PayloadInput<AnyEventsOf<D>, N>,
    options?: HistoryBroadcastOptions,
  ): Promise<Published>;
}

/** A room of which is not known before its name is there whether it keeps history. */
export interface AnyBroadcaster<D extends ContractDefinition> {
  /** As `Broadcaster.broadcast`, or as `HistoryBroadcaster.broadcast` where the room keeps history. */
  broadcast<N extends NameOf<AnyEventsOf<D>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<AnyEventsOf<D>>>,
    payload: PayloadInput<AnyEventsOf<D>, N>,
    options?: BroadcastOptions,
  ): Promise<Published> | void;
}

/** What can be sent to a room, by whether it keeps history. */
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
   * @returns Resolves when broadcasts of every node reach it. With `startWithoutBackplane`, and while the backplane is
   * away, at once: broadcasts of this node reach it, and those of others when the backplane is there.
   * @throws {HubError} `DISCONNECTED` when it is gone or removed meanwhile; `UNAVAILABLE` or `TIMEOUT` when the
   * backplane does not subscribe: then it is not in the room.
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

/** Options of putting a connection into a room that keeps history. */
export interface HistoryAddOptions {
  /**
   * A client that is new in the room first gets earlier messages: the last `{ last: 50 }`, or those of the last `{
   * sinceMs: 60_000 }` milliseconds, as far as they are kept. Absent: it begins with new messages. A client that comes
   * back continues after the last message that it got.
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

/** What was read of the history of a room. */
export interface RoomHistoryPage<R = { offset: number; event: string; payload: unknown }>
  extends Omit<HistoryPage, "records"> {
  /** What was broadcast, the oldest first unless `reverse` was asked for. */
  readonly records: readonly R[];
}

/** Whom not to ask, and how long to wait. */
export interface RoomRequestOptions extends CallOptions, BroadcastOptions {}

/** What came of a question to a room. */
export interface RoomAnswers<T> {
  /** What came in time, by the id of the connection. */
  readonly answers: ReadonlyMap<string, T>;
  /**
   * The connections without an answer, by id, and the error of each: `TIMEOUT` when the answer did not come in time,
   * `DISCONNECTED` when the client left, `VALIDATION` when the answer does not fit, or the error of the client's
   * handler.
   */
  readonly errors: ReadonlyMap<string, HubError>;
  /** The nodes whose clients' answers did not arrive, and why. */
  readonly missing: readonly MissingNode[];
}

/** Asking everybody in a room. */
export interface RoomQuestions<D extends ContractDefinition> {
  /**
   * Asks every connection in the room, on every node, whose role has the request, and collects the answers that come in
   * time. You get the other answers even if one connection does not answer.
   *
   * @param options How long to wait, by default `requestTimeoutMs` of the hub; a signal to give up; and a connection to leave out.
   * @returns Rejects with `VALIDATION`, `NOT_FOUND` or `TOO_LARGE` when the question cannot be asked, with the signal's reason, and with
   * `TypeError` or `RangeError` when an option is wrong.
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
   * Puts a connection of this node into the room. Idempotent. A client that comes back first gets the messages that it
   * missed, as fast as it reads. If some are missing, it is told so. In `onConnection` nothing can be sent yet: there
   * the messages are sent after the client is welcomed, and the call does not wait for them.
   *
   * @param options Where a client begins that is new in the room.
   * @returns Resolves when it has been sent what it missed, and broadcasts of every node reach it.
   * @throws {HubError} As of a room without history; `UNAVAILABLE` or `TIMEOUT` also when the history cannot be read: then it
   * is not in the room, and goes on where it stood when it is added again.
   * @throws {TypeError} When an option is wrong.
   */
  add(conn: { readonly id: string }, options?: HistoryAddOptions): Promise<void>;
  /** The kept messages of the room, also those with `except`. */
  history(query?: HistoryQuery): Promise<RoomHistoryPage<RoomRecordOf<D>>>;
  /** The position of the newest message; offset 0 before the first. */
  position(): Promise<Published>;
}

/** A room, by whether it keeps history. */
export type RoomOf<D extends ContractDefinition, N extends string> = [RoomKeepsHistory<D, N>] extends [true]
  ? HistoryRoom<D>
  : [RoomKeepsHistory<D, N>] extends [false] ? Room<D>
  : AnyBroadcaster<D> & RoomQuestions<D> & RoomMembers;
