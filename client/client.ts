/**
 * The client without the contract's types: it connects its parts with each other.
 *
 * @module
 */

import {
  callEach,
  type CallOptions,
  type CloseOptions,
  type Contract,
  HubError,
  PendingCalls,
  type PresenceBy,
  type Surface,
  type WhoChange,
} from "../contract/mod.ts";
import { CLOSE } from "../contract/options/close_options.ts";
import { readOptions } from "../contract/options/read_options.ts";
import { checkListener } from "../contract/options/check_listener.ts";
import { Answers } from "./answers.ts";
import type { AppMessage } from "./connection.ts";
import { Events } from "./events.ts";
import { Keeper } from "./keeper.ts";
import { HelloShare } from "./lifecycle/hello_share.ts";
import type { Settings } from "./options.ts";
import { Requests } from "./requests.ts";
import { Retries } from "./retries.ts";
import { AWAY, Rooms } from "./rooms.ts";
import type { TopicCallback } from "./topics/subscription.ts";
import { Subscriptions } from "./topics/subscriptions.ts";
import { UnreadableMessages } from "./unreadable_messages.ts";
import type {
  ClientStatus,
  ClientTopic,
  HistorySubscribeOptions,
  QuestionContext,
  StatusListener,
  Subscription,
} from "./api/mod.ts";

/** A listener of `onOpen`. It has an object of its own, because one function may be registered twice. */
interface Opener {
  readonly call: () => unknown;
  readonly retries: Retries;
}

/**
 * The part of a separate entry point, such as presence, in a client. Its methods must not throw, unless they say so.
 */
export interface ClientExtension {
  /** The connection is open, and the requests of `onOpen` are answered. */
  opened(): void;
  /**
   * The server sent a change of a place's members.
   *
   * @throws {HubError} `BAD_REQUEST`. Then the client ends the connection.
   */
  who(place: string, by: PresenceBy, change: WhoChange): void;
  /** The connection is lost. */
  lost(): void;
  /** The client ends: no other connection follows. */
  close(error: HubError): void;
}

/** The parts of a client that an extension uses. */
export interface ClientParts {
  readonly contract: Contract;
  readonly settings: Settings;
  /** The requests on the current link that wait for an answer. */
  readonly calls: PendingCalls;
  readonly requests: Requests;
}

/** A client without the contract's types; `createClient` adds them. */
export class HubClient implements AsyncDisposable {
  readonly #parts: ClientParts;
  readonly #keeper: Keeper;
  readonly #subscriptions: Subscriptions;
  readonly #events: Events;
  readonly #rooms: Rooms;
  readonly #answers: Answers;
  readonly #helloShare = new HelloShare();
  readonly #openers = new Set<Opener>();
  #extension: ClientExtension | undefined;

  /**
   * @param contract The contract that client and server share.
   * @param surface What the role may send and receive.
   * @param settings The options.
   */
  constructor(contract: Contract, surface: Surface, settings: Settings) {
    const { report, reportRepeated, maxPendingRequests: maxPending } = settings;
    const calls = new PendingCalls(settings.clock);
    const open = () => this.#keeper.open;
    const problem = () => this.#keeper.problem;
    const options = { settings, surface, calls, open, problem };
    const requests = new Requests({ ...options, opened: () => this.#extension?.opened() });
    this.#parts = { contract, settings, calls, requests };
    this.#subscriptions = new Subscriptions({ ...options, requests });
    this.#events = new Events(surface, settings);
    this.#rooms = new Rooms(settings);
    this.#answers = new Answers({ surface, maxPending, report });
    const take = (message: AppMessage) => this.#take(message);
    const unreadable = new UnreadableMessages({
      subscriptions: this.#subscriptions,
      rooms: this.#rooms,
      take,
      report: reportRepeated,
    });
    this.#keeper = new Keeper(settings, {
      hello: (bytes) => {
        const share = this.#helloShare.next(bytes);
        return {
          ...this.#rooms.joined(share),
          ...(contract.definition.rooms && this.#rooms.hello(share)),
          ...this.#subscriptions.hello(share),
        };
      },
      open: () => {
        const welcome = this.#keeper.open!.welcome!;
        this.#helloShare.known(welcome.maxFrameBytes);
        this.#subscriptions.opened(welcome);
        this.#rooms.opened(welcome); // calls listeners, which may subscribe
        requests.opened(() => this.#greet(this.#openers));
      },
      message: take,
      unreadable: (message) => unreadable.take(message, this.#keeper.open!),
      lost: (error) => this.#lost(error),
      closed: (error) => this.#close(error),
    });
  }

  get ready(): Promise<void> {
    return this.#keeper.ready;
  }

  get closed(): Promise<HubError | undefined> {
    return this.#keeper.closed;
  }

  get status(): ClientStatus {
    return this.#keeper.status;
  }

  get connectionId(): string | undefined {
    return this.#keeper.open?.welcome?.connection;
  }

  get nodeId(): string | undefined {
    return this.#keeper.open?.welcome?.node;
  }

  onStatus(listener: StatusListener): () => void {
    checkListener(listener, "onStatus");
    return this.#keeper.onStatus(listener);
  }

  onOpen(call: () => unknown): () => void {
    checkListener(call, "onOpen");
    const again = () => this.#greet(new Set([opener])); // a retry does not delay other requests, unlike the first call
    const opener: Opener = { call, retries: new Retries(this.#parts.settings, again) };
    this.#openers.add(opener);
    if (this.status === "open") this.#parts.requests.first(() => this.#greet(new Set([opener])));
    return () => {
      this.#openers.delete(opener);
      opener.retries.stop?.();
    };
  }

  request(...args: Parameters<Requests["request"]>): Promise<unknown> {
    return this.#parts.requests.request(...args);
  }

  signal(name: string, payload: unknown): void {
    this.#parts.requests.signal(name, payload);
  }

  onRecovery(listener: Parameters<Rooms["onRecovery"]>[0]): () => void {
    checkListener(listener, "onRecovery");
    return this.#rooms.onRecovery(listener);
  }

  on(event: string, listener: Parameters<Events["on"]>[1]): () => void {
    checkListener(listener, `on("${event}")`);
    return this.#events.on(event, listener);
  }

  once(event: string, options?: CallOptions): Promise<unknown> {
    return this.#events.once(event, options);
  }

  implement(
    handlers: Readonly<Record<string, (input: unknown, context: QuestionContext) => unknown>>,
  ): void {
    this.#answers.implement(handlers);
  }

  subscribe(topic: string, listener: TopicCallback, options?: HistorySubscribeOptions): Subscription {
    return this.#subscriptions.subscribe(topic, listener, options);
  }

  topic(pattern: string, params?: unknown): ClientTopic {
    return this.#subscriptions.topic(pattern, params);
  }

  async close(options?: CloseOptions): Promise<void> {
    const how = readOptions("close", options, CLOSE);
    this.#subscriptions.left = true;
    await this.#keeper.close(how);
  }

  /**
   * Adds the part of a separate entry point. It is added only once. The public type of a client does not show this
   * method.
   *
   * @param make Makes the part. Called the first time only.
   */
  extend<E extends ClientExtension>(make: (parts: ClientParts) => E): E {
    this.#extension ??= make(this.#parts);
    return this.#extension as E;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #greet(openers: ReadonlySet<Opener>): void {
    const failed = (error: unknown) => this.#parts.settings.report(error, { stage: "open" });
    callEach(openers, (opener) => this.#open(opener), failed);
  }

  /**
   * Calls a listener. If it fails because something is away, it is called again later on the same link. (A new link
   * calls it anyway.)
   */
  async #open(opener: Opener): Promise<void> {
    const { call, retries } = opener;
    const link = this.#keeper.open;
    try {
      await call();
      retries.reset();
    } catch (error) {
      const away = error instanceof HubError && AWAY.has(error.code);
      if (away && link && link === this.#keeper.open && this.#openers.has(opener)) retries.later(error);
      throw error;
    }
  }

  #take(message: AppMessage): void {
    switch (message[0]) {
      case "res":
        return this.#parts.calls.resolve(message[1], message[2]);
      case "err":
        return this.#parts.calls.reject(message[1], message[2]);
      case "req":
        return this.#answers.take(this.#keeper.open!, message[1], message[2], message[3]);
      case "cancel":
        return this.#answers.cancel(message[1]);
      case "ev":
        return void this.#events.dispatch(message[1], message[2]);
      case "rev":
        return this.#rooms.said(
          message[1],
          message[2],
          (meta) => message[3] === undefined || this.#events.dispatch(message[3], message[4], meta),
        );
      case "room":
        return this.#rooms.moved(message[1], message[2]);
      case "in":
        return this.#rooms.entered(message[1]);
      case "out":
        return this.#rooms.left(message[1], message[2]);
      case "pub":
        return this.#subscriptions.of(message[1])?.published(message[2]);
      case "rec":
        return this.#subscriptions.of(message[1])?.recorded(message[2], message[3]);
      case "from":
        return this.#subscriptions.begins(message[1], message[2]);
      case "gap":
        return this.#subscriptions.of(message[1])?.missed(message[2]);
      case "end":
        return this.#subscriptions.of(message[1])?.ended(message[2]);
      case "who":
        return this.#extension?.who(message[1], message[2], message[3]);
      default:
        message satisfies never;
    }
  }

  /**
   * @param code The error code for requests that wait for an answer. If no other connection follows, it is the code of
   * the cause.
   */
  #lost(cause: HubError, code: HubError["code"] = "DISCONNECTED"): void {
    this.#subscriptions.lost();
    this.#rooms.lost();
    for (const { retries } of this.#openers) retries.stop?.();
    this.#extension?.lost();
    this.#parts.calls.failAll((name) => {
      const text = `Connection lost before the answer to "${name}": ${cause.message}`;
      return new HubError(code, text, { cause, data: cause.data });
    });
    this.#answers.lost(cause);
  }

  #close(cause: HubError): void {
    this.#subscriptions.close(cause);
    this.#extension?.close(cause);
    this.#parts.requests.close(cause);
    this.#lost(cause, cause.code);
    this.#events.close(cause);
    this.#openers.clear();
  }
}
