/**
 * The types of an emitter for its users.
 *
 * @module
 */

import type { Adapter } from "../../adapters/adapter.ts";
import type { HistoryStore } from "../../adapters/history_store.ts";
import type {
  AsyncDisposing,
  BusEventsOf,
  Clock,
  CloseOptions,
  ContractDefinition,
  KeepsHistory,
  NameOf,
  NamesOf,
  ParamsArgument,
  PayloadInput,
  RoleOf,
  SharedTopicsOf,
  Suggestion,
  TopicInput,
  TopicNames,
} from "../../contract/mod.ts";
import type { OrderQuery } from "./cluster.ts";
import type { Published, PublishOptions } from "./history.ts";
import type { ConnectionTarget, RoleScope, Target } from "./hub.ts";
import type { HubErrorInfo } from "./options.ts";
import type { AnyName, Broadcaster, BroadcasterOf, RoomName, RoomParams, RoomPatterns } from "./room.ts";
import type { TopicPublisher } from "./topic.ts";

/** Options of `createEmitter`. */
export interface EmitterOptions {
  /** Reaches the hubs: an adapter of the same kind as theirs, with the same prefix. The emitter owns it. */
  readonly adapter: Adapter;
  /**
   * The history store that the hubs share. The emitter needs it to publish on topics with history. Give `"per-node"`
   * when each hub keeps its own histories although the adapter has a store. Then the emitter refuses to publish on
   * topics with history.
   *
   * @default {the adapter's store, if it has one}
   */
  readonly history?: HistoryStore | "per-node";
  /**
   * How long the backplane may take to open, and a shared history to answer, in milliseconds. Messages sent before
   * the backplane is open wait for the same time.
   *
   * @default {10000}
   */
  readonly backplaneTimeoutMs?: number;
  /**
   * How many bytes may wait for the backplane to open. Messages beyond it are lost and reported.
   *
   * @default {16_777_216}
   */
  readonly maxWaitingBytes?: number;
  /**
   * Gets every error that no caller receives, above all about messages that the backplane did not take.
   *
   * @default {console.error}
   */
  onError?(error: unknown, info: HubErrorInfo): void;
  /**
   * The clock.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/**
 * Sends to the clients of a cluster from a script or a job. The emitter is not a node of the cluster. Every call
 * checks its payload. It throws when the payload does not fit or the emitter is closed. It does not throw because of
 * the backplane.
 */
export interface Emitter<D extends ContractDefinition> extends AsyncDisposing {
  /**
   * Resolves when the backplane is open. You do not have to wait for it. Rejects when the backplane refuses or does
   * not open in time; `onError` gets this error too.
   */
  readonly ready: Promise<void>;
  /** A room; see `Hub.room`. */
  room<N extends RoomPatterns<D> | AnyName>(
    name: N,
    ...params: RoomParams<D, N>
  ): BroadcasterOf<D, RoomName<D, N>>;
  /** Several rooms at once; see `Hub.rooms`. */
  rooms(names: readonly string[]): Broadcaster<D>;
  /**
   * Publishes on a shared topic.
   *
   * @returns For a topic with history the position of the message; for other topics nothing. If no code listens to
   * the promise, `onError` gets its error.
   * @throws {HubError} As `Hub.publish`. On a topic with history the promise rejects with these errors. It also
   * rejects with `UNAVAILABLE` when each node keeps its own history, because an emitter cannot reach that.
   */
  publish<N extends TopicNames<SharedTopicsOf<D>>, G extends string = N>(
    topic: N | Suggestion<G, TopicNames<SharedTopicsOf<D>>, NameOf<SharedTopicsOf<D>>>,
    payload: TopicInput<SharedTopicsOf<D>, N>,
    ...options: KeepsHistory<SharedTopicsOf<D>, N> extends true ? [options?: PublishOptions] : []
  ): KeepsHistory<SharedTopicsOf<D>, N> extends true ? Promise<Published> : void;
  /** A shared topic by its pattern and parameters; see `Hub.topic`. */
  topic<P extends NameOf<SharedTopicsOf<D>>, G extends string = P>(
    pattern: P | Suggestion<G, NameOf<SharedTopicsOf<D>>>,
    ...params: ParamsArgument<P>
  ): TopicPublisher<NamesOf<P>, TopicInput<SharedTopicsOf<D>, P>, KeepsHistory<SharedTopicsOf<D>, P>>;
  /** All connections of a role, and its own topics; see `Hub.forRole`. */
  forRole<R extends RoleOf<D>, G extends string = R>(role: R | Suggestion<G, RoleOf<D>>): RoleScope<D, R>;
  /** All connections of a user; see `Hub.user`. */
  user(id: string): Target<D>;
  /** A connection; see `Hub.connection`. */
  connection(id: string): Pick<ConnectionTarget<D>, "emit" | "close">;
  /** Sends a bus event to every hub; see `Hub.emitServer`. */
  emitServer<N extends NameOf<BusEventsOf<D>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<BusEventsOf<D>>>,
    payload: PayloadInput<BusEventsOf<D>, N>,
  ): void;
  /**
   * Closes connections on any node, by default with `CLOSE_CODES.DISCONNECTED`. Only a hub can tell how many
   * connections it closed: see `Cluster.disconnect`.
   *
   * @throws {TypeError} When the query is empty, a field is not text, or the reason is wrong.
   * @throws {RangeError} When the code is out of its range.
   */
  disconnect(query: OrderQuery, options?: CloseOptions): void;
  /**
   * Sends the waiting messages and stores them, for at most `backplaneTimeoutMs` each; then disconnects. Idempotent,
   * never rejects. `onError` gets an error for each message that it could not send.
   */
  close(): Promise<void>;
}
