/**
 * An adapter for an engine that nodes connect to. It keeps the connections, the subscriptions and the messages under
 * way.
 *
 * @module
 */

import type { Adapter, AdapterData } from "../adapter.ts";
import type { Clock } from "../../contract/clock.ts";
import type { Engine, LinkEvents, Role } from "./engine.ts";
import { encodeEnvelope, encodeTextEnvelope } from "./envelope.ts";
import type { FailureKind } from "./failure.ts";
import { Inbox } from "./inbox.ts";
import { Keeper, type Within } from "./keeper.ts";
import { Outbox, type PublishFailure } from "./outbox.ts";
import { type Carrier, createShell, type Reporter } from "./shell.ts";
import { Wanted } from "./wanted.ts";

/** Times and limits of {@linkcode createEngineAdapter}. */
export interface EngineAdapterOptions {
  /** How long connecting may take, in milliseconds; `Infinity` if `connect` has its own limit. */
  readonly connectTimeoutMs: number;
  /** How long each answer may take while a new connection is prepared, in milliseconds. */
  readonly answerTimeoutMs: number;
  /** How often to probe the connections, in milliseconds. */
  readonly probeIntervalMs: number;
  /** How many bytes of published messages may wait for an answer. */
  readonly maxPendingBytes: number;
  /** The source of time. */
  readonly clock: Clock;
}

/**
 * Creates an adapter.
 *
 * @param engine The engine, for this adapter alone.
 * @param options Times and limits.
 * @typeParam L A connection to the engine.
 */
export function createEngineAdapter<L>(engine: Engine<L>, options: EngineAdapterOptions): Adapter {
  return createShell(engine, options.clock, (reporter) => new EngineCarrier(engine, options, reporter));
}

/** How long `close` waits for the engine to confirm the messages published before it. */
const DRAIN_MS = 2_000;

class EngineCarrier<L> implements Carrier {
  readonly #engine: Engine<L>;
  readonly #options: EngineAdapterOptions;
  readonly #reporter: Reporter;
  readonly #encode: (from: string, data: AdapterData) => AdapterData;
  readonly #inbox: Inbox;
  readonly #outbox: Outbox;
  readonly #wanted: Wanted;
  readonly #subscriber: Keeper<L>;
  /** The same as `#subscriber`, unless publishing needs its own connection. */
  readonly #publisher: Keeper<L>;
  #cancelProbe = () => {};
  #closing = false;
  /** Whether one connection has made the other try at once, since both were last up. */
  #called = false;

  constructor(engine: Engine<L>, options: EngineAdapterOptions, reporter: Reporter) {
    const { clock, maxPendingBytes } = options;
    this.#engine = engine;
    this.#options = options;
    this.#reporter = reporter;
    this.#encode = engine.textOnly ? encodeTextEnvelope : encodeEnvelope;
    this.#inbox = new Inbox({
      nodeId: reporter.nodeId,
      deliver: (channel, data, from) => reporter.deliver(channel, data, from),
      onForeign: (channel) => reporter.foreign(channel),
    });
    this.#outbox = new Outbox({
      maxPendingBytes,
      reasonOf: (failure) => this.#reasonOf(failure),
      onLost: (...loss) => reporter.lost(...loss),
    });
    this.#wanted = new Wanted({
      clock,
      batchSize: engine.batchSize,
      onRefused: (channel, error) =>
        reporter.trouble(`Cannot subscribe to "${channel}" again`, "subscribe", channel, error),
      onBack: (channel) => reporter.gap([channel]),
    });
    this.#subscriber = this.#keep("subscriber");
    this.#publisher = engine.separatePublisher ? this.#keep("publisher") : this.#subscriber;
  }

  start(): void {
    this.#publisher.start();
    this.#subscriber.start();
  }

  subscribe(channel: string, signal: AbortSignal | undefined): Promise<void> {
    return this.#wanted.subscribe(this.#engine.nameOf(channel), channel, signal);
  }

  unsubscribe(channel: string): Promise<void> {
    return this.#wanted.unsubscribe(this.#engine.nameOf(channel));
  }

  publish(channel: string, data: AdapterData): void {
    const name = this.#engine.nameOf(channel);
    // Packing copies the bytes, because the publisher may change them after this call.
    this.#outbox.publish({ name, channel, data: this.#encode(this.#reporter.nodeId, data) });
  }

  async countListeners(channel: string): Promise<number | undefined> {
    const { link } = this.#publisher;
    return link && await this.#engine.countListeners?.(link, this.#engine.nameOf(channel));
  }

  gauges(): Readonly<Record<string, number>> {
    return this.#engine.gauges?.() ?? {};
  }

  async close(reason: Error): Promise<void> {
    this.#closing = true;
    this.#cancelProbe();
    this.#wanted.close(reason);
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const cancel = this.#options.clock.after(DRAIN_MS, resolve);
    const drained = Promise.race([this.#drain(), late]).then(() => this.#publisher.close());
    if (this.#engine.separatePublisher) await this.#subscriber.close();
    await drained;
    cancel();
    await this.#outbox.drain(); // messages without an answer have failed by now
  }

  async #drain(): Promise<void> {
    await this.#outbox.drain();
    const { link } = this.#publisher;
    if (link) await this.#engine.drain?.(link).catch(() => {});
  }

  #keep(role: Role): Keeper<L> {
    const { clock, connectTimeoutMs, answerTimeoutMs } = this.#options;
    const [subscribes, publishes] = [
      role === "subscriber",
      role === "publisher" || !this.#engine.separatePublisher,
    ];
    const keeper: Keeper<L> = new Keeper({
      clock,
      connectTimeoutMs,
      answerTimeoutMs,
      connect: (onLost, signal) => this.#connect(role, onLost, signal),
      destroy: (link) => this.#engine.destroy(link),
      prepare: async (link, within) => {
        if (subscribes) await this.#restore(keeper, link, within);
      },
      onUp: (link) => {
        if (publishes) this.#outbox.attach((messages) => this.#engine.publish(link, messages));
        this.#call(subscribes ? this.#publisher : this.#subscriber);
        void this.#probe();
      },
      onDown: (cause) => {
        if (publishes) this.#outbox.detach();
        if (subscribes) this.#wanted.detach();
        this.#cancelProbe();
        const what = this.#engine.separatePublisher ? `The ${role}'s connection` : "The connection";
        this.#reporter.broken(what, subscribes ? "delivery" : "publish", cause);
        this.#reporter.down();
      },
      onFailure: (cause) => this.#failed(cause),
    });
    return keeper;
  }

  /** One connection has reached the engine, so the other one tries at once. */
  #call(other: Keeper<L>): void {
    // Only once until both are up. Otherwise two connections that the engine closes in turn would make each other retry
    // without pause.
    if (other.link || this.#called) return;
    this.#called = true;
    other.hurry();
  }

  #connect(role: Role, onLost: (cause: unknown) => void, signal: AbortSignal): Promise<L> {
    const events: LinkEvents = {
      onLost,
      onMessage: (name, data) => {
        const channel = this.#wanted.channelOf(name);
        if (channel === undefined || this.#closing) return;
        if (!this.#engine.hear?.(channel, data)) this.#inbox.receive(channel, data);
      },
      onRefused: (name, error) => this.#wanted.refused(name, error),
      onMissed: (name, error) => this.#missed(name, error),
      onHeld: (error) => this.#reporter.trouble("Publishing has to wait", "publish", undefined, error),
      onNodeGone: (nodeId) => this.#reporter.nodeGone(nodeId),
      onForeign: () => this.#reporter.foreign(),
      onTrouble: (stage, what, cause) => this.#reporter.trouble(what, stage, undefined, cause),
      onPublishRefused: (channel, error) =>
        this.#reporter.lost(`${this.#engine.title} refuses`, 1, channel, error),
    };
    return this.#engine.connect(role, this.#reporter.nodeId, events, signal);
  }

  #missed(name: string | undefined, error: Error): void {
    if (name === undefined) {
      this.#reporter.trouble("Missed messages", "delivery", undefined, error);
      return this.#reporter.gap();
    }
    const channel = this.#wanted.channelOf(name);
    if (channel === undefined) return;
    this.#reporter.trouble("Missed a message", "delivery", channel, error);
    this.#reporter.gap([channel]);
  }

  async #restore(keeper: Keeper<L>, link: L, within: Within): Promise<void> {
    try {
      await this.#wanted.attach({
        subscribe: (names) => this.#engine.subscribe(link, names),
        unsubscribe: (names) => this.#engine.unsubscribe(link, names),
        onBroken: (cause) => keeper.drop(link, cause),
      }, within);
    } catch (error) {
      this.#wanted.detach();
      throw error;
    }
  }

  /** Both connections are up. Tests that they are alive and lead to each other. */
  async #probe(): Promise<void> {
    const [publisher, subscriber] = [this.#publisher.link, this.#subscriber.link];
    if (!publisher || !subscriber || this.#closing) return;
    this.#cancelProbe();
    const verdict = await this.#engine.probe(publisher, subscriber);
    if (publisher !== this.#publisher.link || subscriber !== this.#subscriber.link || this.#closing) return;
    if (verdict) {
      if (verdict.dead === "publisher") this.#publisher.drop(publisher, verdict.cause);
      else this.#subscriber.drop(subscriber, verdict.cause);
      return;
    }
    this.#cancelProbe();
    this.#cancelProbe = this.#options.clock.after(this.#options.probeIntervalMs, () => void this.#probe());
    this.#called = false;
    this.#reporter.up();
  }

  #failed(cause: unknown): FailureKind {
    const failure = this.#engine.judge(cause);
    if (failure.kind === "final") {
      this.#wanted.close(failure.error);
      this.#outbox.end("the connection is closed for good");
    }
    this.#reporter.failed(failure);
    return failure.kind;
  }

  /** The reason for a loss on a connection that is up: the engine's refusal, or its silence. */
  #reasonOf(failure: PublishFailure): string {
    const { title } = this.#engine;
    if (failure === "full") {
      return `${title} does not keep up, and more than maxPendingBytes wait for an answer`;
    }
    const { kind } = this.#engine.judge(failure);
    return kind === "unreachable" || kind === "final" ? `${title} has not confirmed it` : `${title} refuses`;
  }
}
