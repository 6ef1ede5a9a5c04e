/**
 * The topics that a client is subscribed to.
 *
 * @module
 */

import {
  type Hello,
  HubError,
  jsonCodec,
  MAX_HELLO_TOPICS_BYTES,
  type Position,
  type Start,
  type Surface,
  throwIfAborted,
  type TopicEntry,
  type TopicMark,
  utf8Size,
  type Welcome,
} from "../../contract/mod.ts";
import { HISTORY_POSITION, REWIND } from "../../contract/history/history_query.ts";
import { fillDeclared } from "../../contract/names/fill_pattern.ts";
import { abortSignal, callback } from "../../contract/options/option_kinds.ts";
import { checkListener } from "../../contract/options/check_listener.ts";
import {
  bag,
  optional,
  type Read,
  readOptions,
  type Rows,
  wrong,
} from "../../contract/options/read_options.ts";
import { iterate } from "./iteration.ts";
import { Stream, type StreamParts } from "./stream.ts";
import { type TopicCallback, TopicListener } from "./subscription.ts";
import type {
  ClientTopic,
  HistorySubscribeOptions,
  HistorySubscription,
  SubscribeSinceOptions,
  Subscription,
} from "../api/mod.ts";

const SUBSCRIBE = {
  signal: optional(abortSignal),
  onRecovery: optional(callback<NonNullable<HistorySubscribeOptions["onRecovery"]>>()),
  since: optional(bag(HISTORY_POSITION)),
  rewind: optional(bag(REWIND)),
} satisfies Rows<Omit<SubscribeSinceOptions, "rewind"> & { readonly rewind?: unknown }>;

/** Where a listener's messages begin, in the form that the server takes. */
function startOf({ since, rewind }: Pick<Read<typeof SUBSCRIBE>, "since" | "rewind">): Start | undefined {
  const { last, sinceMs: withinMs } = rewind ?? {};
  if (!since && !rewind) return undefined;
  if (+!since + +!last + +!withinMs === 2 && !(since && rewind)) {
    return { since: since && [since.epoch, since.offset], last, withinMs };
  }
  throw new TypeError("Cannot subscribe: give one of since, rewind.last and rewind.sinceMs");
}

/** Options of {@linkcode Subscriptions}. */
export interface SubscriptionsOptions extends StreamParts {
  /** The topics of the role. */
  readonly surface: Surface;
}

/** Keeps the subscriptions of a client across links. */
export class Subscriptions {
  /**
   * Whether the user closes the client. Then loops over topics end without an error. If the client ends for another
   * reason, they throw.
   */
  left = false;
  readonly #options: SubscriptionsOptions;
  readonly #streams = new Map<string, Stream>();
  /** The topics of the last hello, with their ids. */
  readonly #early = new Map<Stream, number>();
  #closed: HubError | undefined;

  /** @param options The role's topics, and where to send. */
  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** See `Client.subscribe`. */
  subscribe(topic: string, listener: TopicCallback, options?: HistorySubscribeOptions): Subscription {
    if (typeof topic !== "string") throw wrong(topic, { owner: "subscribe", path: "the topic" }, "a text");
    const { payload, history } = this.#find(topic).definition;
    checkListener(listener, `subscribe("${topic}")`);
    const { signal, onRecovery, ...given } = readOptions("subscribe", options, SUBSCRIBE);
    const start = startOf(given);
    if (start && !history) {
      throw new HubError(
        "NOT_FOUND",
        `Cannot begin "${topic}" with earlier messages: the contract declares no history for it`,
      );
    }
    throwIfAborted(signal);
    const member = new TopicListener(topic, listener, { signal, onRecovery, start });
    if (this.#closed) {
      member.fail(this.#closed);
      return member;
    }
    const known = this.#streams.get(topic);
    const stream = member.owner = known ?? new Stream(member, payload, this.#options, () => {
      if (this.#streams.get(topic) === stream) this.#streams.delete(topic);
    });
    if (known) {
      known.add(member);
      return member;
    }
    this.#streams.set(topic, stream);
    if (this.#options.open()) stream.ask();
    return member;
  }

  /** See `Client.topic`. */
  topic(pattern: string, params: unknown): ClientTopic {
    const name = fillDeclared(this.#options.surface.topics, pattern, params);
    this.#find(name);
    return {
      name,
      subscribe: (listener, options) => this.subscribe(name, listener, options) as HistorySubscription,
      [Symbol.asyncIterator]: () =>
        iterate(name, (listener) => this.subscribe(name, listener), () => this.left),
    };
  }

  #find(topic: string): TopicEntry {
    const { surface } = this.#options;
    const found = surface.topics.find(topic);
    if (found) return found.value;
    throw new HubError("NOT_FOUND", `Cannot subscribe to "${topic}": ${surface.whyNot("topic", topic)}`);
  }

  /**
   * The topics for the hello: as many as fit. This makes them live one round trip earlier.
   *
   * @param share How many bytes the topics may take.
   */
  hello(share: number): Pick<Hello, "topics"> {
    const topics: TopicMark[] = [];
    const { calls } = this.#options;
    let left = Math.min(MAX_HELLO_TOPICS_BYTES, share);
    this.#early.clear();
    for (const stream of this.#streams.values()) {
      const { topic, begin } = stream;
      const id = calls.reserve();
      const mark: TopicMark = begin ? [id, topic, begin] : [id, topic];
      try {
        left -= utf8Size(jsonCodec.encode(mark)) + 1; // the limit is of JSON, whatever the codec
      } catch {
        continue; // its own subscribe fails with this error, but the hello must not fail
      }
      if (left < 0) break;
      topics.push(mark);
      this.#early.set(stream, id);
    }
    return topics.length > 0 ? { topics } : {};
  }

  /**
   * A link is open: subscribes to all topics again, in their original order.
   *
   * @param welcome The welcome: whether the server subscribes to the topics of the hello.
   */
  opened({ topics }: Welcome): void {
    const isTaken = topics === true;
    const left = new Set<string>();
    for (const stream of isTaken ? this.#early.keys() : []) {
      const { topic } = stream;
      if (this.#streams.get(topic) === stream) continue;
      // The listener that wanted this topic has left. A new listener may want the topic now, and could get messages
      // that were meant for the old one.
      this.#options.open()?.push(["unsub", topic]);
      left.add(topic);
    }
    const all = [...this.#streams.values()];
    // Sending may fail, and a listener that gets the error may unsubscribe from other topics: these must have been
    // asked for first.
    for (const isEarly of [true, false]) {
      for (const stream of all) {
        const id = this.#early.get(stream);
        if ((id !== undefined) === isEarly) {
          stream.ask(!left.has(stream.topic), id === undefined ? undefined : { id, isTaken });
        }
      }
    }
    this.#early.clear(); // an ended stream must not outlive this
  }

  /** The link is lost. The positions stay. */
  lost(): void {
    for (const stream of this.#streams.values()) stream.lost();
  }

  /**
   * There will be no link again.
   *
   * @param error The reason.
   */
  close(error: HubError): void {
    this.#closed = error;
    for (const stream of [...this.#streams.values()]) stream.end(error);
  }

  /**
   * The stream of a topic.
   *
   * @param topic The topic.
   */
  of(topic: string): Stream | undefined {
    return this.#streams.get(topic);
  }

  /**
   * The server sent the position where the messages of a subscribe begin.
   *
   * @param id The id of the subscribe.
   * @param position The position before the first of these messages.
   */
  begins(id: number, position: Position): void {
    for (const stream of this.#streams.values()) stream.begins(id, position);
  }
}
