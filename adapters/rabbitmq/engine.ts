/**
 * The engine for RabbitMQ: one exchange, queues for each node, and two connections. RabbitMQ blocks connections that
 * publish when it runs out of memory, so the node subscribes on another one.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { Engine, LinkEvents, Role, Verdict } from "../kit/engine.ts";
import type { Failure } from "../kit/failure.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { explained } from "../kit/failure.ts";
import type { AmqpConnection } from "./connection.ts";
import type { Dialer } from "./dialer.ts";
import { ConnectError, kindOf } from "./errors.ts";
import { nameOf, type RabbitMqNames } from "./names.ts";
import { RabbitMqProbe } from "./probe.ts";
import { Publisher } from "./publisher.ts";
import { openSubscriber, type Subscriber } from "./subscriber.ts";

/** Options of {@linkcode RabbitMqEngine}. */
export interface RabbitMqEngineOptions {
  readonly dialer: Dialer;
  readonly names: RabbitMqNames;
  readonly clock: Clock;
  readonly probeTimeoutMs: number;
  readonly maxMessageBytes: number;
  readonly maxQueueBytes: number;
}

/** A connection, by its use. */
type Link = Publisher | Subscriber;

/** The engine of one adapter. */
export class RabbitMqEngine implements Engine<Link> {
  readonly name = "rabbitmq";
  readonly title = "RabbitMQ";
  readonly separatePublisher = true;
  /** Each name is one command. RabbitMQ runs the commands of a connection one after the other. */
  readonly batchSize = 500;
  readonly maxMessageBytes: number;
  readonly #options: RabbitMqEngineOptions;
  readonly #probe: RabbitMqProbe;
  readonly #probeKey = `p:${crypto.randomUUID()}`;

  /** @param options The options. */
  constructor(options: RabbitMqEngineOptions) {
    this.maxMessageBytes = options.maxMessageBytes;
    this.#options = options;
    this.#probe = new RabbitMqProbe(options.clock, options.probeTimeoutMs);
  }

  get address(): string {
    return this.#options.dialer.address;
  }

  get secrets(): readonly string[] {
    return this.#options.dialer.secrets;
  }

  nameOf(channel: string): string {
    return nameOf(channel);
  }

  async connect(role: Role, nodeId: string, events: LinkEvents, signal: AbortSignal): Promise<Link> {
    const { dialer, names } = this.#options;
    return await dialer.connect<Link>({
      name: `${names.exchange} ${role} ${nodeId.slice(0, 100)}`,
      onLost: (cause) => {
        this.#probe.stop();
        events.onLost(cause);
      },
      prepare: (connection) =>
        role === "publisher" ? this.#publisher(connection, events) : openSubscriber(connection, {
          ...this.#options,
          probeKey: this.#probeKey,
          events,
          onProbe: (text) => this.#probe.hear(text),
        }),
    }, signal);
  }

  async #publisher(connection: AmqpConnection, events: LinkEvents): Promise<Publisher> {
    const { names: { exchange } } = this.#options;
    const channel = await connection.channel();
    await Promise.all([
      channel.exchangeDeclare(exchange, "direct", { durable: false }),
      channel.confirmSelect(),
    ]);
    return new Publisher(connection, channel, exchange, (reason) => {
      if (reason !== undefined) events.onHeld(new Error(`RabbitMQ takes no messages for now (${reason})`));
    });
  }

  async destroy(link: Link): Promise<void> {
    this.#probe.stop();
    await link.connection.destroy();
    link.end();
  }

  async subscribe(link: Link, names: readonly string[]): Promise<void> {
    await (link as Subscriber).subscribe(names);
  }

  async unsubscribe(link: Link, names: readonly string[]): Promise<void> {
    await (link as Subscriber).unsubscribe(names);
  }

  publish(link: Link, messages: readonly OutgoingMessage[]): Promise<PublishResults> {
    return (link as Publisher).publish(messages);
  }

  async probe(publisher: Link, subscriber: Link): Promise<Verdict | undefined> {
    return await this.#probe.run(publisher as Publisher, subscriber as Subscriber, this.#probeKey);
  }

  judge(cause: unknown): Failure {
    if (cause instanceof ConnectError) return { kind: cause.kind, error: cause };
    const error = explained(`Cannot connect to RabbitMQ at ${this.address}`, cause, this.secrets);
    return { kind: kindOf(cause), error };
  }
}
