/**
 * The types of a client's methods.
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
  SuggestionOfKind,
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
   * Your own id for the request, at most 256 UTF-16 units. If the request is sent several times with this id, the hub
   * runs it only once, and always gives the same answer or handler error. Ids belong to the user, the role and the
   * request. Clients without a user share one set of ids: choose an id that is impossible to guess, of at least 16
   * units (`crypto.randomUUID()`). The same id with another input rejects with `BAD_REQUEST`.
   *
   * If the connection is lost before the answer, the client sends a request with an id again within `timeoutMs`. It
   * sends it only to a hub that remembers what was done. If no hub remembers, it rejects with `DISCONNECTED`. After
   * `DISCONNECTED`, `TIMEOUT` or `UNAVAILABLE` you may send it again with the same id. `UNCERTAIN` means that it may
   * have been done, and the hub does not do it again.
   */
  readonly id?: string;
}

/**
 * A client of a hub, typed by a contract and a role. It stays connected until it is closed. Made by {@linkcode
 * createClient}.
 */
export interface Client<D extends ContractDefinition, R extends RoleOf<D>> extends AsyncDisposing {
  /**
   * Resolves when the client is open for the first time. Rejects with the cause if the client closes before that.
   * Never causes an unhandled rejection.
   */
  readonly ready: Promise<void>;
  /**
   * Resolves when the client is closed for good: with the cause, or with `undefined` after `close()`. Never rejects.
   */
  readonly closed: Promise<HubError | undefined>;
  /** The state of the connection. */
  readonly status: ClientStatus;
  /** The id of the current connection, unique in the cluster. `undefined` while the client is not open. */
  readonly connectionId: string | undefined;
  /** The id of the node that serves the client. `undefined` while the client is not open. */
  readonly nodeId: string | undefined;
  /**
   * Listens to changes of the status, and to failed attempts to connect.
   *
   * @param listener The function to call.
   * @returns A function that stops listening.
   */
  onStatus(listener: StatusListener): () => void;
  /**
   * Calls a function on every connection, for example to join rooms. Rooms end with the connection, so a client has
   * to join them again after each loss. If the client is open, the function is called at once. After that it is
   * called whenever the client opens, after its topics were subscribed again. Requests that the function makes
   * before its first `await` go first. All other requests and signals wait for their answers. So a message that was written
   * offline reaches a room that is joined here.
   *
   * If the function's promise rejects with `UNAVAILABLE` or `TIMEOUT`, for example while a broker is away, the client
   * calls the function again. The client waits between the calls as it does between reconnects. The client stops when
   * the function succeeds or the connection is lost. Nothing else waits for these retries.
   *
   * @param listener The function to call. If it is asynchronous, return its promise. Its errors go to `onError`.
   * @returns A function that stops these calls.
   *
   * @example
   * ```ts ignore
   * client.onOpen(() => client.request("join", { room: "lobby" }));
   * ```
   */
  onOpen(listener: () => unknown): () => void;
  /**
   * Sends a request to the server. Requests and signals arrive in the order of their calls. Only a request whose
   * input has an asynchronous schema may arrive later, because it waits for the schema.
   *
   * @param name The request.
   * @param input The input. It is checked here, and parsed by the server.
   * @param options How long to wait (default: the client's `requestTimeoutMs`), a signal that ends the wait, and an id.
   * With an id, the request runs only once, even if it is sent several times.
   * @returns The parsed answer. Handle its errors: for the platform, an error that no code handles is a bug, and Deno
   * and Node end the process. Rejects with the server's error, with the signal's reason, or with one of these:
   * - `VALIDATION`: the input or the answer does not fit the contract.
   * - `TIMEOUT`: no answer came in time.
   * - `DISCONNECTED`: the link was lost before the answer. The server may have received the request. The client sends
   *   it again only if it has an id.
   * - `UNAVAILABLE`: too many requests or bytes wait already.
   * - `TOO_LARGE`: the server does not take so large a message.
   * - The cause, such as `UNAUTHENTICATED`, when the client has ended for good.
   */
  request<N extends NameOf<RequestsOf<D, R>>, G extends string = N>(
    name: N | SuggestionOfKind<G, NameOf<RequestsOf<D, R>>, NameOf<SignalsOf<D, R>>, "signal">,
    input: RequestInput<RequestsOf<D, R>, N>,
    options?: RequestOptions,
  ): Promise<AnswerOutput<RequestsOf<D, R>, N>>;
  /**
   * Sends a signal to the server, without an answer. If the server refuses it, `onError` gets the error.
   *
   * @param name The signal.
   * @param payload The payload. It is checked here, and parsed by the server.
   * @throws {HubError} One of these:
   * - `VALIDATION`: the payload does not fit.
   * - `DISCONNECTED`: the client was closed, or is not open and has `offline: "fail"`.
   * - `UNAVAILABLE`: too many messages or bytes wait already.
   * - `TOO_LARGE`: the server does not take so large a message.
   * - The cause, such as `UNAUTHENTICATED`, when the client has ended for good.
   */
  signal<N extends NameOf<SignalsOf<D, R>>, G extends string = N>(
    name: N | SuggestionOfKind<G, NameOf<SignalsOf<D, R>>, NameOf<RequestsOf<D, R>>, "request">,
    payload: PayloadInput<SignalsOf<D, R>, N>,
  ): void;
  /**
   * Listens to an event.
   *
   * @param event The event.
   * @param listener Called with each parsed payload. If the event was broadcast to a room with history, the second
   * argument gives its position there.
   * @returns A function that stops listening.
   */
  on<N extends NameOf<EventsOf<D, R>>, G extends string = N>(
    event: N | Suggestion<G, NameOf<EventsOf<D, R>>>,
    listener: (payload: PayloadOutput<EventsOf<D, R>, N>, meta: RoomMeta | undefined) => void,
  ): () => void;
  /**
   * Waits for the next event with this name. It listens from the moment of the call: call it before you send the
   * request that causes the event.
   *
   * @param event The event.
   * @param options How long to wait (default: until the client closes), and a signal that ends the wait.
   * @returns The parsed payload. Rejects with `TIMEOUT`, with the signal's reason, and with `NOT_FOUND` when the role
   * has no such event. When the client closes, it rejects with `DISCONNECTED` or the cause. Never causes an unhandled
   * rejection.
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
   * with history that the server puts the client into again. `recovered: true`: all missed messages were delivered.
   * `recovered: false`: some may be missing. It also gets `recovered: false` in three other cases: the client notices a
   * gap later, there were too many rooms to ask for, or the server keeps no histories. If the hub has `rejoin` and does
   * not put the client into a room again, the listener gets an `error` for this room. Without a listener, `onError`
   * gets that error.
   *
   * @param listener The function to call.
   * @returns A function that stops listening.
   */
  onRecovery(listener: (recovery: RoomRecovery) => void): () => void;
  /**
   * Answers the server's requests. A later call replaces the handlers of an earlier one.
   *
   * @param handlers A handler for each request that the server may send. If a handler throws a {@linkcode HubError},
   * the server gets it. For any other error, `onError` gets the error, and the server gets `INTERNAL`.
   */
  implement<const H extends SomeHandlers<QuestionHandlers<D, R>> = SomeHandlers<QuestionHandlers<D, R>>>(
    handlers: CheckedHandlers<H, QuestionHandlers<D, R>>,
  ): void;
  /**
   * Subscribes to a topic, for as long as the client lives. After a reconnect the client subscribes again. If the
   * topic keeps history, the missed messages follow.
   *
   * @param topic The topic's concrete name.
   * @param listener Called with each parsed message.
   * @param options A signal that ends the subscription, a function that learns about recoveries, and where in the
   * history to begin.
   * @throws {HubError} `NOT_FOUND` when the role has no such topic, or when `since` or `rewind` is given and the
   * topic keeps no history.
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
   * Returns a topic by its pattern and parameters, which editors complete: `client.topic("ticker/:symbol", { symbol:
   * "ACME" })` is the topic `ticker/ACME`. Values are used in the name as they are, without escaping.
   *
   * @param pattern The pattern, as it is in the contract.
   * @param params A value for each of its parameters: a number, or text that is not empty and has no `/`.
   * @returns The topic, to subscribe to.
   * @throws {HubError} `NOT_FOUND` when the role has no such topic.
   * @throws {TypeError} When a value is missing, wrong or unknown, or when the contract declares the name under
   * another pattern.
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
   * Closes the client for good. Requests that wait for an answer reject with `DISCONNECTED`, and subscriptions end.
   * Idempotent.
   *
   * @param options The close code (default: 1000), and the reason, which the hub's `onDisconnect` gets.
   * @returns Resolves when the link is closed, or after a second if the other side does not answer. Rejects only when
   * an option is wrong, with `TypeError` or `RangeError`: then nothing is closed.
   */
  close(options?: CloseOptions): Promise<void>;
}
