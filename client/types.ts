/**
 * What users of a client see.
 *
 * @module
 */

import type {
  AnswerInput,
  AnswerOutput,
  CallOptions,
  ContractDefinition,
  EventsOf,
  HubError,
  KeepsHistory,
  NameOf,
  PayloadInput,
  PayloadOutput,
  QuestionsOf,
  RequestInput,
  RequestParsed,
  RequestsOf,
  RoleOf,
  SignalsOf,
  TopicNames,
  TopicOutput,
  TopicsOf,
} from "../contract/mod.ts";

/**
 * Where a client stands: `"connecting"` until it was open once, `"reconnecting"` while it is not open after that,
 * `"closed"` for good.
 */
export type ClientStatus = "connecting" | "open" | "reconnecting" | "closed";

/** What is known about a status. */
export interface StatusInfo {
  /** Why the client is not open; absent after `close()` and on a move to another node. */
  readonly error?: HubError;
  /** The node that serves the client, once it is open. */
  readonly nodeId?: string;
  /** Which attempt comes next, counted from the last connection that lasted; absent when nothing is waited for. */
  readonly attempt?: number;
  /** How long until that attempt, in milliseconds. */
  readonly retryInMs?: number;
}

/** Hears of every change of status, and of every attempt to connect that failed. */
export type StatusListener = (status: ClientStatus, info: StatusInfo) => void;

/**
 * What an error that nobody waits for belongs to: getting the address, the token and a connection (`"connect"`), a
 * frame that is not of the protocol (`"protocol"`), the connection as a whole (`"connection"`), a listener or payload
 * of an event or topic, a subscription that was refused or ended, the answer to a request, a signal that was refused
 * or dropped, a handler of a request of the server (`"answer"`), a listener of `onOpen` (`"open"`), a status listener.
 */
export type ClientStage =
  | "connect"
  | "protocol"
  | "connection"
  | "event"
  | "topic"
  | "subscribe"
  | "request"
  | "signal"
  | "answer"
  | "open"
  | "status";

/** What an error belongs to. */
export interface ClientErrorInfo {
  /** The stage. */
  readonly stage: ClientStage;
  /** The event, topic, request or signal, where there is one. */
  readonly name?: string;
}

/**
 * What comes with a topic's message.
 *
 * @typeParam History Whether the topic keeps history, as far as its type tells.
 */
export interface TopicMeta<History extends boolean = boolean> {
  /** The topic's concrete name. */
  readonly topic: string;
  /** The message's number in the topic's history; `undefined` where the topic keeps none. */
  readonly offset: History extends true ? number : undefined;
  /** The epoch of that history: offsets of two epochs have nothing to do with each other. */
  readonly epoch: History extends true ? string : undefined;
  /** Whether the message was missed and has been sent again from the history. */
  readonly recovered: boolean;
}

/** How a subscription came back after the link was lost, or messages were. */
export interface Recovery {
  /** The topic's concrete name. */
  readonly topic: string;
  /**
   * Whether every message since the last one has been delivered. `false` means that some may be missing: fetch the
   * state anew. Always `false` for a topic without history.
   */
  readonly recovered: boolean;
}

/** Options of {@linkcode Client.subscribe}. */
export interface SubscribeOptions {
  /** Unsubscribes when aborted; a `ready` that is still waiting rejects with the signal's reason. */
  readonly signal?: AbortSignal;
  /**
   * Called whenever the subscription is live again after the link was lost, or a gap in the stream was noticed by
   * client or server.
   *
   * @param recovery Whether anything is missing.
   */
  readonly onRecovery?: (recovery: Recovery) => void;
}

/** Where a subscription stands: `"pending"` while it waits for the server or for the link, `"ended"` for good. */
export type SubscriptionStatus = "pending" | "live" | "ended";

/** One listener's interest in a topic. Several of one topic share one subscription on the wire. */
export interface Subscription<N extends string = string> {
  /** The topic's concrete name. */
  readonly topic: N;
  /** Where it stands. */
  readonly status: SubscriptionStatus;
  /**
   * Resolves when the subscription is live for the first time: what is published from then on arrives. While there is
   * no link it waits for one. Rejects with the server's error when the subscription is refused, with `TIMEOUT` when
   * the server does not answer, with the cause when the client ends for good before (`UNAUTHENTICATED`, `FORBIDDEN`,
   * …), and with `DISCONNECTED` after `unsubscribe()` or `close()`. Never an unhandled rejection: a refusal that nobody looked for here goes to `onError`.
   */
  readonly ready: Promise<void>;
  /** Resolves when the subscription has ended: with the cause, or `undefined` after `unsubscribe()`. Never rejects. */
  readonly closed: Promise<HubError | undefined>;
  /** Ends it; the listener is not called again. Idempotent. */
  unsubscribe(): void;
}

/** What a handler of a server's request gets beside the question. */
export interface QuestionContext {
  /** Aborted when the server no longer waits for the answer, or the link is lost. */
  readonly signal: AbortSignal;
}

/** A handler for each request that the server may send to a role. */
export type QuestionHandlers<D extends ContractDefinition, R extends RoleOf<D>> =
  // To `{}` any object would be assignable.
  [keyof QuestionsOf<D, R>] extends [never] ? Readonly<Record<string, never>> : {
    readonly [N in keyof QuestionsOf<D, R>]: (
      input: RequestParsed<QuestionsOf<D, R>, N>,
      context: QuestionContext,
    ) => AnswerInput<QuestionsOf<D, R>, N> | Promise<AnswerInput<QuestionsOf<D, R>, N>>;
  };

/**
 * A client of a hub: typed by a contract and a role, and connected for as long as it lives. Made by
 * {@linkcode createClient}.
 */
export interface Client<D extends ContractDefinition, R extends RoleOf<D>> extends AsyncDisposable {
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
   * Does something on every connection: joins rooms, says who is there. Rooms end with the connection, so what puts a
   * client into them has to be done again after each loss. Called at once when the client is open, and whenever it opens,
   * after its topics were subscribed again. What it requests before its first `await` goes first: all other requests and
   * signals wait until that is answered, so that what was written offline reaches a room that is joined here.
   *
   * @param listener What to call; may be asynchronous. What it throws goes to `onError`.
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
   * @param options How long to wait (by default `requestTimeoutMs` of the client), and a signal to give up.
   * @returns The answer, parsed. Rejects with the server's error; `VALIDATION` when the input or the answer does not fit
   * the contract; `TIMEOUT`; `DISCONNECTED` when the link is lost before the answer (the server may have got the
   * question: it is not sent again); the cause when the client has ended for good (`UNAUTHENTICATED`, …); `UNAVAILABLE` when too much waits already; `TOO_LARGE`; the signal's reason.
   */
  request<N extends NameOf<RequestsOf<D, R>>>(
    name: N,
    input: RequestInput<RequestsOf<D, R>, N>,
    options?: CallOptions,
  ): Promise<AnswerOutput<RequestsOf<D, R>, N>>;
  /**
   * Tells the server something, without an answer. What the server refuses is reported to `onError`.
   *
   * @param name The signal.
   * @param payload What to tell; it is checked here, and parsed by the server.
   * @throws {HubError} `VALIDATION` when the payload does not fit, `DISCONNECTED` when the client was closed (or is not
   * open, with `offline: "fail"`), the cause when it has ended for good (`UNAUTHENTICATED`, …), `UNAVAILABLE` when too much waits already, `TOO_LARGE`.
   */
  signal<N extends NameOf<SignalsOf<D, R>>>(name: N, payload: PayloadInput<SignalsOf<D, R>, N>): void;
  /**
   * Listens to an event.
   *
   * @param event The event.
   * @param listener What to call with each payload, parsed.
   * @returns A function that stops listening.
   */
  on<N extends NameOf<EventsOf<D, R>>>(
    event: N,
    listener: (payload: PayloadOutput<EventsOf<D, R>, N>) => void,
  ): () => void;
  /**
   * Answers the server's requests. A later call replaces the handlers of an earlier one.
   *
   * @param handlers A handler for each request that the server may send. A {@linkcode HubError} that it throws
   * reaches the server; anything else reaches `onError`, and the server as `INTERNAL`.
   */
  implement(handlers: QuestionHandlers<D, R>): void;
  /**
   * Subscribes to a topic, for as long as the client lives: whenever the link comes back the subscription does too,
   * with what was missed where the topic keeps history.
   *
   * @param topic The topic's concrete name.
   * @param listener What to call with each message, parsed.
   * @param options A signal, and how to hear of recoveries.
   * @throws {HubError} `NOT_FOUND` when the role has no such topic.
   */
  subscribe<N extends TopicNames<TopicsOf<D, R>>>(
    topic: N,
    listener: (
      payload: TopicOutput<TopicsOf<D, R>, N>,
      meta: TopicMeta<KeepsHistory<TopicsOf<D, R>, N>>,
    ) => void,
    options?: SubscribeOptions,
  ): Subscription<N>;
  /**
   * Closes the client for good: what waits for an answer rejects with `DISCONNECTED`, subscriptions end. Idempotent.
   *
   * @returns Resolves when the link is closed, or after a second where the other side does not answer. Never rejects.
   */
  close(): Promise<void>;
}
