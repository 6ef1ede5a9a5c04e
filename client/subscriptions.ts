/**
 * The topics that a client is subscribed to.
 *
 * @module
 */

import {
  callEach,
  callSafely,
  fromWireError,
  HubError,
  parseNow,
  type PendingCalls,
  type Position,
  type Schema,
  type Surface,
  throwIfAborted,
  type WireError,
} from "../contract/mod.ts";
import { abortSignal, callback } from "../contract/options/option_kinds.ts";
import { checkListener } from "../contract/options/check_listener.ts";
import { optional, readOptions, type Rows, wrong } from "../contract/options/read_options.ts";
import type { Connection } from "./connection.ts";
import type { Settings } from "./options.ts";
import { Backoff } from "./reconnect.ts";
import { resume, type Stream } from "./stream.ts";
import { type TopicCallback, TopicListener } from "./subscription.ts";
import type { SubscribeOptions, Subscription, TopicMeta } from "./api/mod.ts";

/** Errors that say "not now": a subscription that was live once tries again. */
export const TRANSIENT: ReadonlySet<string> = new Set(["TIMEOUT", "UNAVAILABLE", "RATE_LIMITED", "INTERNAL"]);

/** A stream that has lasted for so long is renewed at once when a message is missing; another one waits. */
const STABLE_MS = 1_000;

const SUBSCRIBE = {
  signal: optional(abortSignal),
  onRecovery: optional(callback<NonNullable<SubscribeOptions["onRecovery"]>>()),
} satisfies Rows<SubscribeOptions>;

/** Options of {@linkcode Subscriptions}. */
export interface SubscriptionsOptions {
  /** The client's. */
  readonly settings: Settings;
  /** What the role may subscribe to. */
  readonly surface: Surface;
  /** The questions of the present link. */
  readonly calls: PendingCalls;
  /** The connection, while it is open. */
  readonly open: () => Connection | undefined;
}

/** Keeps the subscriptions of a client, link after link. */
export class Subscriptions {
  readonly #options: SubscriptionsOptions;
  readonly #streams = new Map<string, Stream>();
  #closed: HubError | undefined;

  /** @param options The role's topics, and where to send. */
  constructor(options: SubscriptionsOptions) {
    this.#options = options;
  }

  /** See `Client.subscribe`. */
  subscribe(topic: string, listener: TopicCallback, options?: SubscribeOptions): Subscription {
    if (typeof topic !== "string") throw wrong(topic, { owner: "subscribe", path: "the topic" }, "a text");
    const found = this.#options.surface.topics.find(topic);
    if (!found) throw new HubError("NOT_FOUND", `Cannot subscribe to "${topic}": the role has no such topic`);
    checkListener(listener, `subscribe("${topic}")`);
    const read = readOptions("subscribe", options, SUBSCRIBE);
    throwIfAborted(read.signal);
    const member = new TopicListener(topic, listener, read, (member) => this.#leave(member));
    if (this.#closed) {
      member.fail(this.#closed);
      return member;
    }
    const known = this.#streams.get(topic);
    const stream = known ?? this.#create(topic, found.value.definition.payload);
    stream.members.add(member);
    if (stream.live) member.live();
    if (!known && this.#options.open()) this.#ask(stream);
    return member;
  }

  /** A link is open: all topics are subscribed again, in the order in which they first were. */
  opened(): void {
    for (const stream of [...this.#streams.values()]) this.#ask(stream);
  }

  /** The link is gone; the positions stay. */
  lost(): void {
    for (const stream of this.#streams.values()) {
      this.#pause(stream);
      stream.renewals = 0;
    }
  }

  /**
   * There will be no link any more.
   *
   * @param error Why.
   */
  close(error: HubError): void {
    this.#closed = error;
    for (const stream of [...this.#streams.values()]) this.#end(stream, error);
  }

  /**
   * The server ended a subscription.
   *
   * @param topic The topic.
   * @param error Why.
   */
  ended(topic: string, error: WireError): void {
    const stream = this.#streams.get(topic);
    // While a subscribe is on its way this is about the one before it; the answer tells.
    if (stream?.live) this.#refuse(stream, fromWireError(error));
  }

  /**
   * A message of a topic without history arrived.
   *
   * @param topic The topic.
   * @param payload As it came over the wire.
   */
  published(topic: string, payload: unknown): void {
    const stream = this.#streams.get(topic);
    if (stream) {
      this.#deliver(stream, payload, { topic, offset: undefined, epoch: undefined, recovered: false });
    }
  }

  /**
   * A message of a topic with history arrived.
   *
   * @param topic The topic.
   * @param offset Its number.
   * @param payload As it came over the wire.
   */
  recorded(topic: string, offset: number, payload: unknown): void {
    const stream = this.#advance(topic, offset);
    if (!stream) return;
    const [epoch] = stream.position!;
    this.#deliver(stream, payload, { topic, offset, epoch, recovered: !stream.live });
  }

  /**
   * A message of a topic with history arrived that cannot be read: the stream goes on without it, and is not complete.
   *
   * @param topic The topic.
   * @param offset Its number.
   */
  skipped(topic: string, offset: number): void {
    const stream = this.#advance(topic, offset);
    if (stream) this.#miss(stream);
  }

  /** Goes on to a message. Gives its stream, if the message is the next one. */
  #advance(topic: string, offset: number): Stream | undefined {
    const stream = this.#streams.get(topic);
    // Without a position it is left over from a subscription that has been given up.
    if (!stream?.position) return undefined;
    const [epoch, last] = stream.position;
    if (offset <= last) return undefined;
    if (offset > last + 1) {
      // What lies between was lost on the way: nothing is delivered until the server has sent it again.
      if (stream.live) this.#resync(stream);
      return undefined;
    }
    stream.position = [epoch, offset];
    if (stream.asked !== undefined) this.#waitOn(stream, stream.asked);
    return stream;
  }

  /** Listeners do without a message of a topic with history: they are told now, or when the stream is back. */
  #miss(stream: Stream): void {
    if (stream.live) this.#tell(stream, [...stream.members], false);
    else stream.incomplete = true;
  }

  /**
   * The server may have missed messages of a topic with history.
   *
   * @param topic The topic.
   * @param position Where the stream goes on.
   */
  missed(topic: string, position: Position): void {
    const stream = this.#streams.get(topic);
    // While a subscribe is on its way its answer tells all.
    if (!stream?.live) return;
    stream.position = position;
    this.#tell(stream, [...stream.members], false);
  }

  #create(topic: string, schema: Schema): Stream {
    const { reconnect, random } = this.#options.settings;
    const settings = { ...reconnect, maxAttempts: Infinity };
    const stream: Stream = {
      topic,
      schema,
      members: new Set(),
      backoff: new Backoff(settings, random),
      asked: undefined,
      waitsSince: 0,
      live: false,
      established: false,
      position: undefined,
      incomplete: false,
      liveSince: 0,
      renewals: 0,
      stopRetry() {},
    };
    this.#streams.set(topic, stream);
    return stream;
  }

  #ask(stream: Stream): void {
    const { calls, settings } = this.#options;
    const { topic } = stream;
    if (this.#streams.get(topic) !== stream) return; // ended by whoever heard of the failure of another
    const id = stream.asked = calls.ask(
      topic,
      { timeoutMs: settings.requestTimeoutMs },
      // The server may be about to answer: whatever it says, this subscribe is over.
      () => this.#send(["unsub", topic]),
      (output) => this.#accepted(stream, output),
      (error) => this.#refused(stream, error as HubError),
    );
    stream.waitsSince = settings.clock.now();
    try {
      const { position: since } = stream;
      this.#options.open()?.push(since ? ["sub", id, topic, { since }] : ["sub", id, topic]);
    } catch (error) {
      calls.reject(id, error as HubError);
    }
  }

  #accepted(stream: Stream, output: unknown): void {
    stream.asked = undefined;
    const recovered = resume(stream, output);
    stream.live = stream.established = true;
    stream.liveSince = this.#options.settings.clock.now();
    if (stream.renewals === 0) stream.backoff.reset(); // otherwise it has to last first
    const again = [...stream.members].filter((member) => member.established);
    for (const member of stream.members) member.live();
    this.#tell(stream, again, recovered);
  }

  #refused(stream: Stream, error: HubError): void {
    stream.asked = undefined;
    if (!stream.established || !TRANSIENT.has(error.code)) return this.#refuse(stream, error);
    this.#askLater(stream);
    this.#report(error, "subscribe", stream.topic); // last: whoever hears of it may end the subscription
  }

  /** The stream waits for no answer any more. */
  #rest(stream: Stream): void {
    this.#options.calls.forget(stream.asked);
    stream.asked = undefined;
    stream.stopRetry();
    stream.live = false;
  }

  #askLater(stream: Stream): void {
    const ask = () => this.#ask(stream);
    stream.stopRetry = this.#options.settings.clock.after(stream.backoff.next()!, ask);
  }

  /** A long history comes page by page: while it does the server is at work, and the wait for its answer begins anew. */
  #waitOn(stream: Stream, id: number): void {
    const { clock, requestTimeoutMs } = this.#options.settings;
    const now = clock.now();
    if (now - stream.waitsSince < requestTimeoutMs / 4) return; // a timer for every message would cost more than it
    stream.waitsSince = now;
    this.#options.calls.extend(id);
  }

  /** At once, but not again and again: a server that keeps leaving out messages is not asked as fast as it answers. */
  #resync(stream: Stream): void {
    const { topic } = stream;
    this.#pause(stream);
    this.#send(["unsub", topic]);
    if (this.#options.settings.clock.now() - stream.liveSince >= STABLE_MS) stream.renewals = 0;
    if (stream.renewals++ === 0) {
      stream.backoff.reset();
      return this.#ask(stream);
    }
    this.#askLater(stream);
    if (stream.renewals > 2) return; // told already
    const text = `Messages of "${topic}" are missing again and again: subscribing with growing waits`;
    this.#options.settings.reportRepeated(new HubError("UNAVAILABLE", text), { stage: "topic", name: topic });
  }

  #pause(stream: Stream): void {
    this.#rest(stream);
    for (const member of stream.members) member.pend();
  }

  /** Ends a stream by the server's word; where nobody waits for it somebody has to hear of it. */
  #refuse(stream: Stream, error: HubError): void {
    const unheard = stream.established || [...stream.members].some((member) => !member.watched);
    this.#end(stream, error);
    if (unheard) this.#report(error, "subscribe", stream.topic);
  }

  #end(stream: Stream, error: HubError): void {
    this.#forget(stream);
    const members = [...stream.members];
    stream.members.clear();
    for (const member of members) member.fail(error);
  }

  #leave(member: TopicListener): void {
    const stream = this.#streams.get(member.topic);
    if (!stream?.members.delete(member) || stream.members.size > 0) return;
    const known = stream.live || stream.asked !== undefined;
    this.#forget(stream);
    if (known) this.#send(["unsub", stream.topic]);
  }

  #forget(stream: Stream): void {
    if (this.#streams.get(stream.topic) === stream) this.#streams.delete(stream.topic);
    this.#rest(stream);
  }

  #send(message: readonly unknown[]): void {
    this.#options.open()?.push(message);
  }

  /** Tells listeners how their stream came back, unless one before them has ended their subscription. */
  #tell({ topic, members }: Stream, listeners: readonly TopicListener[], recovered: boolean): void {
    const report = (error: unknown) => this.#report(error, "topic", topic);
    for (const member of listeners) {
      if (members.has(member)) callSafely(() => member.onRecovery?.({ topic, recovered }), report);
    }
  }

  #deliver(stream: Stream, payload: unknown, meta: TopicMeta): void {
    const { topic, schema, members } = stream;
    let parsed: unknown;
    try {
      parsed = parseNow(schema, payload, "payload of", topic);
    } catch (error) {
      this.#options.settings.reportRepeated(error, { stage: "topic", name: topic });
      if (meta.offset !== undefined) this.#miss(stream);
      return;
    }
    callEach(
      members,
      (member) => member.listener(parsed, meta),
      (error) => this.#report(error, "topic", topic),
    );
  }

  #report(error: unknown, stage: "topic" | "subscribe", name: string): void {
    this.#options.settings.report(error, { stage, name });
  }
}
