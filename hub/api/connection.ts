/**
 * The types of a connection for users of a hub.
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

/** The part of a user that the hub reads. */
export interface HubUser {
  /** The id that addresses the user, as it was when the client connected. Well-formed text that is not empty. */
  readonly id: string;
}

/**
 * A client of a role on this node.
 *
 * @typeParam R Its role.
 */
export interface HubConnection<
  D extends ContractDefinition,
  R extends RoleOf<D>,
  User extends HubUser | undefined,
  Ctx,
> {
  /** The id, unique in the cluster. */
  readonly id: string;
  /** Its role. */
  readonly role: R;
  /** Its user, as `authenticate` gave it; `undefined` for an anonymous client. */
  readonly user: User;
  /** The `ctx` that `authenticate` gave. */
  readonly ctx: Ctx;
  /** The address of the client, if it is known. */
  readonly address: string | undefined;
  /** The rooms that it is in now; in `onDisconnect`, the rooms that it was in. */
  readonly rooms: ReadonlySet<string>;
  /** Aborted when the connection is gone. */
  readonly signal: AbortSignal;
  /**
   * Sends an event to this connection alone. Does nothing when the connection is gone.
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
   * Ends a subscription of the client, also one that is not live yet. The client gets no later message over it. The
   * client's `subscription.closed` gives `FORBIDDEN` with the reason, and the client does not subscribe again by
   * itself. Does nothing when the client is not subscribed. If the client's application subscribes again, the rule of
   * `authorize` decides: so first change the data that the rule reads.
   *
   * @param topic The topic's concrete name.
   * @param reason A text for people, sent to the client.
   * @throws {HubError} `NOT_FOUND` when its role has no such topic.
   * @throws {TypeError} When the reason is not text.
   */
  unsubscribe<N extends string>(
    topic: (N & TopicNames<TopicsOf<D, R>>) | NamesOr<N, TopicNames<TopicsOf<D, R>>>,
    reason?: string,
  ): void;
  /**
   * Closes the connection. Messages that wait because the client reads slowly are not sent any more.
   *
   * @param options The code and the reason. The default code is `CLOSE_CODES.DISCONNECTED`: the client does not
   * reconnect by itself.
   * @throws {TypeError} When `options` is not an object of options, or the reason is not text or too long.
   * @throws {RangeError} When the code is out of its range.
   */
  close(options?: CloseOptions): void;
}

/** A connection of any role; look at `role` to know which. */
export type AnyConnection<D extends ContractDefinition, User extends HubUser | undefined, Ctx> = {
  [R in RoleOf<D>]: HubConnection<D, R, User, Ctx>;
}[RoleOf<D>];
