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

/** Whom not to send to. */
export interface BroadcastOptions {
  /**
   * This connection gets no copy, whichever node it is on. What is given has to be a connection, or nothing:
   * `{ id: undefined }` is refused with a `TypeError`, because the broadcast would reach the one that it should not.
   */
  readonly except?: { readonly id: string };
}

/** Options of a broadcast to a room that keeps history. */
export interface HistoryBroadcastOptions extends BroadcastOptions, PublishOptions {}

/** One room, or several of which every connection gets one copy. */
export interface Broadcaster<D extends ContractDefinition> {
  /**
   * Sends an event to every connection in the room, on every node, whose role has it. Those of this node are served
   * in this turn, whatever the state of the backplane.
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

/** Who is in a room. */
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
   * Takes a connection of this node out. Does nothing when it is not in. The client forgets where it stood in a room that keeps
   * history.
   */
  remove(conn: { readonly id: string }): void;
  /** Who is in, on all nodes; see {@linkcode Cluster.connections}. */
  members(): ReturnType<Cluster["connections"]>;
}

/** Options of putting a connection into a room that keeps history. */
export interface HistoryAddOptions {
  /**
   * Whoever was not in before is first sent what was broadcast before: `{ last: 50 }` messages, or those of the last
   * `{ sinceMs: 60_000 }` milliseconds, as far as they are kept. Absent: it begins with what is new. Who comes back goes on
   * where it stood.
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
   * Who gave no answer, by the id of the connection, and why: `TIMEOUT` when it was not in time, `DISCONNECTED` when the client left, `VALIDATION` when it
   * does not fit, or what the client's handler has thrown.
   */
  readonly errors: ReadonlyMap<string, HubError>;
  /** The nodes that have not told what their clients answered, and why. */
  readonly missing: readonly MissingNode[];
}

/** Asking everybody in a room. */
export interface RoomQuestions<D extends ContractDefinition> {
  /**
   * Asks every connection in the room, on every node, whose role may be asked, and gathers what comes in time. Who does not answer keeps
   * nobody else's answer back.
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
   * Puts a connection of this node into the room. Idempotent. Whoever comes back is first sent what it missed, as fast as it
   * reads, and is told when that is not all. In `onConnection`, where nothing can be sent yet, it is sent after the welcome,
   * and not waited for.
   *
   * @param options Where somebody begins who comes for the first time.
   * @returns Resolves when it has been sent what it missed, and broadcasts of every node reach it.
   * @throws {HubError} As of a room without history; `UNAVAILABLE` or `TIMEOUT` also when the history cannot be read: then it
   * is not in the room, and goes on where it stood when it is added again.
   * @throws {TypeError} When an option is wrong.
   */
  add(conn: { readonly id: string }, options?: HistoryAddOptions): Promise<void>;
  /** What was broadcast to it and is kept, whoever was left out. */
  history(query?: HistoryQuery): Promise<RoomHistoryPage<RoomRecordOf<D>>>;
  /** Where its history stands: the position of the newest message; offset 0 before the first. */
  position(): Promise<Published>;
}

/** A room, by whether it keeps history. */
export type RoomOf<D extends ContractDefinition, N extends string> = [RoomKeepsHistory<D, N>] extends [true]
  ? HistoryRoom<D>
  : [RoomKeepsHistory<D, N>] extends [false] ? Room<D>
  : AnyBroadcaster<D> & RoomQuestions<D> & RoomMembers;
