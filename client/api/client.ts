/**
 * A client, as its user sees it.
 *
 * @module
 */

import type {
  AnswerOutput,
  AsyncDisposing,
  CallOptions,
  CheckedHandlers,
  CloseOptions,
  ContractDefinition,
  EventsOf,
  HubError,
  KeepsHistory,
  NameOf,
  NamesOf,
  ParamsArgument,
  PayloadInput,
  PayloadOutput,
  RequestInput,
  RequestsOf,
  RoleOf,
  SignalsOf,
  SomeHandlers,
  Suggestion,
  TopicNames,
  TopicOutput,
  TopicsOf,
} from "../../contract/mod.ts";
import type { ClientStatus, StatusListener } from "./client_status.ts";
import type { QuestionHandlers } from "./questions.ts";
import type { RoomMeta, RoomRecovery } from "./room.ts";
import type {
  HistorySubscribeOptions,
  HistorySubscription,
  SubscribeOptions,
  Subscription,
  TopicMeta,
} from "./subscription.ts";
import type { ClientTopic } from "./topic.ts";

/** Options of `Client.request`. */
export interface RequestOptions extends CallOptions {
  /**
   * An id of your own for the request, of 256 UTF-16 units at the most: the hub does it once, however often it is sent with
   * this id, and answers with what became of it, also with the error of its handler. Ids are a user's own, for each role and
   * request; without a user everybody shares them, so take one that nobody guesses, of 16 units at least
   * (`crypto.randomUUID()`). The same id with another input is refused with `BAD_REQUEST`.
   *
   * A request with an id that is lost with its connection is sent again by itself within `timeoutMs`, to a hub that knows
   * what was done; where none does it rejects with `DISCONNECTED`. After `DISCONNECTED`, `TIMEOUT` or `UNAVAILABLE` it may be
   * sent again with the same id; `UNCERTAIN` says that it may have been done, and is not done again.
   */
  readonly id?: string;
}

/**
 * A client of a hub: typed by a contract and a role, and connected for as long as it lives. Made by
 * {@linkcode createClient}.
 */
export interface Client<D extends ContractDefinition, R extends RoleOf<D>> extends AsyncDisposing {
  /**
   * Resolves when the client is open for the first time; rejects with the cause when it closes before. Never an
   * unhandled rejection.
   */
  readonly ready: Promise<void>;
  /**
   * Resolves when the client is closed for good: with the cause, or `undefined` after `close()`. Never rejects.
   */
  readonly closed: Promise<HubError | undefined>;
  /** Where the client stands. */
  readonly status: ClientStatus;
  /** The id of the present connection, unique in the cluster; `undefined` while not open. */
  readonly connectionId: string | undefined;
  /** The id of the node that serves the client; `undefined` while not open. */
  readonly nodeId: string | undefined;
  /**
   * Listens to changes of status, and to attempts to connect that fail.
   *
   * @param listener What to call.
   * @returns A function that stops listening.
   */
  onStatus(listener: StatusListener): () => void;
  /**
   * Calls a function on every connection, for example to join rooms. Rooms end with the connection, so a client has to
   * join them again after each loss. The function is called at once when the client is open, and whenever it opens,
   * after its topics were subscribed again. Requests that it makes before its first `await` go first. All other
   * requests and signals wait for their answers, so that a message that was written offline reaches a room that is
   * joined here.
   *
   * If its promise rejects with `UNAVAILABLE` or `TIMEOUT`, for example while a broker is away, the function is called
   * again, after waits like those of a reconnect, until it succeeds or the connection is lost. Nothing else waits for
   * these tries.
   *
   * @param listener What to call. If it is asynchronous, return its promise. Its errors go to `onError`.
   * @returns A function that stops it.
   *
   * @example
   * ```ts ignore
   * client.onOpen(() => client.request("join", { room: "lobby" }));
   * ```
   */
  onOpen(listener: () => unknown): () => void;
  /**
   * Asks the server. Requests and signals arrive in the order of their calls, except for requests whose input has an
   * asynchronous schema: those leave when it has answered.
   *
   * @param name The request.
   * @param input The question; it is checked here, and parsed by the server.
   * @param options How long to wait (by default `requestTimeoutMs` of the client), a signal to give up, and an id with which
   * it is done once, however often it is sent.
   * @returns The answer, parsed. Rejects with the server's error; `VALIDATION` when the input or the answer does not fit
   * the contract; `TIMEOUT`; `DISCONNECTED` when the link is lost before the answer (the server may have got the
   * question: without an id it is not sent again); the cause when the client has ended for good (`UNAUTHENTICATED`, …); `UNAVAILABLE` when too much waits already; `TOO_LARGE`; the signal's reason.
   */
  request<N extends NameOf<RequestsOf<D, R>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<RequestsOf<D, R>>>,
    input: RequestInput<RequestsOf<D, R>, N>,
    options?: RequestOptions,
  ): Promise<AnswerOutput<RequestsOf<D, R>, N>>;
  /**
   * Tells the server something, without an answer. What the server refuses is reported to `onError`.
   *
   * @param name The signal.
   * @param payload What to tell; it is checked here, and parsed by the server.
   * @throws {HubError} `VALIDATION` when the payload does not fit, `DISCONNECTED` when the client was closed (or is not
   * open, with `offline: "fail"`), the cause when it has ended for good (`UNAUTHENTICATED`, …), `UNAVAILABLE` when too much waits already, `TOO_LARGE`.
   */
  signal<N extends NameOf<SignalsOf<D, R>>, G extends string = N>(
    name: N | Suggestion<G, NameOf<SignalsOf<D, R>>>,
    payload: PayloadInput<SignalsOf<D, R>, N>,
  ): void;
  /**
   * Listens to an event.
   *
   * @param event The event.
   * @param listener What to call with each payload, parsed; and where it was broadcast to a room with history, with its place
   * in it.
   * @returns A function that stops listening.
   */
  on<N extends NameOf<EventsOf<D, R>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<EventsOf<D, R>>>,
    listener: (payload: PayloadOutput<EventsOf<D, R>, N>, meta: RoomMeta | undefined) => void,
  ): () => void;
  /**
   * Waits for the next event of a name. It listens from the call on: call it before you ask for what makes the event come.
   *
   * @param event The event.
   * @param options How long to wait, by default for as long as the client lives, and a signal to give up.
   * @returns The payload, parsed. Rejects with `TIMEOUT`, the signal's reason, `NOT_FOUND` when the role has no such event, and when the
   * client closes: with `DISCONNECTED`, or the cause. Never an unhandled rejection.
   *
   * @example
   * ```ts ignore
   * const joined = client.once("joined", { timeoutMs: 5_000 });
   * await client.request("join", { room: "lobby" });
   * console.log((await joined).name);
   * ```
   */
  once<N extends NameOf<EventsOf<D, R>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<EventsOf<D, R>>>,
    options?: CallOptions,
  ): Promise<PayloadOutput<EventsOf<D, R>, N>>;
  /**
   * Tells a listener how the client comes back to its rooms. After a lost connection it is called once for each room
   * with history that the server puts the client into again: the missed messages were delivered, or some of them may be
   * missing. It also gets `recovered: false` when a gap is noticed later, when there were too many rooms to ask for,
   * and when the server has no histories. If the hub has `rejoin`, and does not put the client into a room again, the
   * listener gets an `error` for this room; without a listener `onError` gets it.
   *
   * @param listener What to call.
   * @returns A function that stops listening.
   */
  onRecovery(listener: (recovery: RoomRecovery) => void): () => void;
  /**
   * Answers the server's requests. A later call replaces the handlers of an earlier one.
   *
   * @param handlers A handler for each request that the server may send. A {@linkcode HubError} that it throws
   * reaches the server; anything else reaches `onError`, and the server as `INTERNAL`.
   */
  implement<const H extends SomeHandlers<QuestionHandlers<D, R>>>(
    handlers: CheckedHandlers<H, QuestionHandlers<D, R>>,
  ): void;
  /**
   * Subscribes to a topic, for as long as the client lives: whenever the link comes back the subscription does too,
   * with what was missed where the topic keeps history.
   *
   * @param topic The topic's concrete name.
   * @param listener What to call with each message, parsed.
   * @param options A signal, how to hear of recoveries, and where in the history to begin.
   * @throws {HubError} `NOT_FOUND` when the role has no such topic, or the topic has no history to begin in.
   * @throws {TypeError} When an option is wrong, or both `since` and `rewind` are given.
   */
  subscribe<N extends TopicNames<TopicsOf<D, R>>, G extends string = N>(
    topic: N | Suggestion<G, TopicNames<TopicsOf<D, R>>, NameOf<TopicsOf<D, R>>>,
    listener: (
      payload: TopicOutput<TopicsOf<D, R>, N>,
      meta: TopicMeta<KeepsHistory<TopicsOf<D, R>, N>>,
    ) => void,
    options?: KeepsHistory<TopicsOf<D, R>, N> extends true ? HistorySubscribeOptions : SubscribeOptions,
  ): KeepsHistory<TopicsOf<D, R>, N> extends true ? HistorySubscription<N, TopicOutput<TopicsOf<D, R>, N>>
    : Subscription<N>;
  /**
   * A topic by its pattern and parameters, which editors complete: `client.topic("ticker/:symbol", { symbol: "ACME" })` is
   * the topic `ticker/ACME`. A value stands in the name as it is; nothing is escaped.
   *
   * @param pattern The pattern, as the contract has it.
   * @param params A value for each of its parameters: text that is not empty and has no `/`, or a number.
   * @returns The topic, to subscribe to.
   * @throws {HubError} `NOT_FOUND` when the role has no such topic.
   * @throws {TypeError} When a value is missing, wrong or too many, or the contract declares the name by another pattern.
   */
  topic<P extends NameOf<TopicsOf<D, R>>, G extends string = P>(
    pattern: P | Suggestion<G, NameOf<TopicsOf<D, R>>>,
    ...params: ParamsArgument<P>
  ): ClientTopic<
    NamesOf<P>,
    TopicOutput<TopicsOf<D, R>, P>,
    KeepsHistory<TopicsOf<D, R>, P>
  >;
  /**
   * Closes the client for good: what waits for an answer rejects with `DISCONNECTED`, subscriptions end. Idempotent.
   *
   * @param options The code, by default 1000, and the reason that `onDisconnect` of the hub gets.
   * @returns Resolves when the link is closed, or after a second where the other side does not answer. Rejects only when an option
   * is wrong, with `TypeError` or `RangeError`; then nothing is closed.
   */
  close(options?: CloseOptions): Promise<void>;
}
