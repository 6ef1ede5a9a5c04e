/**
 * The topics that a client is subscribed to.
 *
 * @module
 */

import {
  type Hello,
  HubError,
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

/** From where on a listener wants messages, as the server is asked for them. */
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
  /** What the role may subscribe to. */
  readonly surface: Surface;
}

/** Keeps the subscriptions of a client, link after link. */
export class Subscriptions {
  /** Whether the user closes the client: loops over topics end then, and fail when it ends for any other reason. */
  left = false;
  readonly #options: SubscriptionsOptions;
  readonly #streams = new Map<string, Stream>();
  /** What the last hello has asked for, and under which ids. */
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
    if (start && !history) throw new HubError("NOT_FOUND", `Topic "${topic}" keeps no history`);
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
    const found = this.#options.surface.topics.find(topic);
    if (found) return found.value;
    throw new HubError("NOT_FOUND", `Cannot subscribe to "${topic}": the role has no such topic`);
  }

  /**
   * What a hello asks for: as many topics as there is room for, so that they are live a round trip earlier.
   *
   * @param share How many bytes they may take.
   */
  hello(share: number): Pick<Hello, "topics"> {
    const topics: TopicMark[] = [];
    const { calls, settings: { codec } } = this.#options;
    let left = Math.min(MAX_HELLO_TOPICS_BYTES, share);
    this.#early.clear();
    for (const stream of this.#streams.values()) {
      const { topic, begin } = stream;
      const id = calls.reserve();
      const mark: TopicMark = begin ? [id, topic, begin] : [id, topic];
      try {
        left -= utf8Size(codec.encode(mark)) + 1;
      } catch {
        continue; // its subscribe fails for the same reason, and the hello must not
      }
      if (left < 0) break;
      topics.push(mark);
      this.#early.set(stream, id);
    }
    return topics.length > 0 ? { topics } : {};
  }

  /**
   * A link is open: all topics are subscribed again, in the order in which they first were.
   *
   * @param welcome What the server says of those that the hello has asked for.
   */
  opened({ topics }: Welcome): void {
    const taken = new Set<string>();
    for (const stream of topics ? this.#early.keys() : []) {
      const { topic } = stream;
      if (this.#streams.get(topic) === stream) continue;
      // Whoever wanted it has left since; somebody else may want it now, and be sent what the other was.
      this.#options.open()?.push(["unsub", topic]);
      taken.add(topic);
    }
    const all = [...this.#streams.values()];
    // What is sent may fail, and whoever hears of that leave others: these must be able to say so.
    for (const isEarly of [true, false]) {
      for (const stream of all) {
        if (this.#early.has(stream) !== isEarly) continue;
        stream.ask(!taken.has(stream.topic), this.#early.get(stream), topics);
      }
    }
  }

  /** The link is gone; the positions stay. */
  lost(): void {
    for (const stream of this.#streams.values()) stream.lost();
  }

  /**
   * There will be no link any more.
   *
   * @param error Why.
   */
  close(error: HubError): void {
    this.#closed = error;
    for (const stream of [...this.#streams.values()]) stream.end(error);
  }

  /**
   * The stream of a topic, for what arrives of it.
   *
   * @param topic The topic.
   */
  of(topic: string): Stream | undefined {
    return this.#streams.get(topic);
  }

  /**
   * The server says where the messages begin that a subscribe has asked for.
   *
   * @param id The id of the subscribe.
   * @param position The position before the first of them.
   */
  begins(id: number, position: Position): void {
    for (const stream of this.#streams.values()) stream.begins(id, position);
  }
}
