/**
 * A connection, as users of a hub see it.
 *
 * @module
 */

import type {
  AnswerOutput,
  CallOptions,
  CloseOptions,
  ContractDefinition,
  EventsOf,
  NameOf,
  NamesOr,
  PayloadInput,
  QuestionsOf,
  RequestInput,
  RoleOf,
  Suggestion,
  TopicNames,
  TopicsOf,
} from "../../contract/mod.ts";

/** A user, as far as the hub cares. */
export interface HubUser {
  /** What the user is addressed by, as it was when the connection came in. Well-formed text that is not empty. */
  readonly id: string;
}

/**
 * A client of a role on this node.
 *
 * @typeParam R Its role.
 */
export interface HubConnection<D extends ContractDefinition, R extends RoleOf<D>, User extends HubUser, Ctx> {
  /** Unique in the cluster. */
  readonly id: string;
  /** Its role. */
  readonly role: R;
  /** Its user; `undefined` when anonymous. */
  readonly user: User | undefined;
  /** What `authenticate` attached. */
  readonly ctx: Ctx;
  /** The address at the other end, where it is known. */
  readonly address: string | undefined;
  /** The rooms it is in at this moment; in `onDisconnect`, those that it was in. */
  readonly rooms: ReadonlySet<string>;
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal;
  /**
   * Sends an event to this connection alone. Does nothing once it is gone.
   *
   * @throws {HubError} `VALIDATION` when the payload does not fit, `NOT_FOUND` when its role has no such event.
   */
  emit<N extends string>(
    event: (N & NameOf<EventsOf<D, R>>) | NamesOr<N, NameOf<EventsOf<D, R>>>,
    payload: PayloadInput<EventsOf<D, R>, N>,
  ): void;
  /**
   * Asks the client.
   *
   * @param options `timeoutMs` defaults to the hub's `requestTimeoutMs`.
   * @throws {HubError} `TIMEOUT`, `DISCONNECTED`, `VALIDATION`, or the error that the client answers with.
   */
  request<N extends NameOf<QuestionsOf<D, R>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<QuestionsOf<D, R>>>,
    input: RequestInput<QuestionsOf<D, R>, N>,
    options?: CallOptions,
  ): Promise<AnswerOutput<QuestionsOf<D, R>, N>>;
  /**
   * Ends a subscription of the client, also one that is not live yet: no later message reaches the client over it. The
   * client's `subscription.closed` gives `FORBIDDEN` with the reason, and the client does not subscribe again by
   * itself. Does nothing when it is not subscribed. If its application subscribes again, the rule of `authorize`
   * decides: first change the data that the rule reads.
   *
   * @param topic The topic's concrete name.
   * @param reason Sent to the client, for a person.
   * @throws {HubError} `NOT_FOUND` when its role has no such topic.
   * @throws {TypeError} When the reason is no text.
   */
  unsubscribe<N extends string>(
    topic: (N & TopicNames<TopicsOf<D, R>>) | NamesOr<N, TopicNames<TopicsOf<D, R>>>,
    reason?: string,
  ): void;
  /**
   * Closes the connection.
   *
   * @param options The code, by default `CLOSE_CODES.DISCONNECTED`, after which it does not come back by itself; and the reason.
   * @throws {TypeError} When it is no bag of options, or the reason is no text or too long.
   * @throws {RangeError} When the code is out of its range.
   */
  close(options?: CloseOptions): void;
}

/** A connection of any role; look at `role` to know which. */
export type AnyConnection<D extends ContractDefinition, User extends HubUser, Ctx> = {
  [R in RoleOf<D>]: HubConnection<D, R, User, Ctx>;
}[RoleOf<D>];
