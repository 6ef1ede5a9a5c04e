/**
 * The connection that a node listens on: one queue, bound to the channels that the node wants. RabbitMQ deletes it with the
 * connection.
 *
 * The queue has a bound, as a node may be frozen. What RabbitMQ drops beyond it, the oldest first, it hands to a second queue that
 * holds one message: when that message arrives, the node knows that it has missed some.
 *
 * @module
 */

import type { AMQPChannel, AMQPMessage } from "@cloudamqp/amqp-client";
import type { Clock } from "../../contract/clock.ts";
import type { LinkEvents } from "../kit/engine.ts";
import type { AmqpConnection } from "./connection.ts";
import { isHashed, keyOf, type RabbitMqNames } from "./names.ts";
import { NAMED, PACKED, unpack } from "./packing.ts";

/** What {@linkcode openSubscriber} needs. */
export interface SubscriberOptions {
  readonly names: RabbitMqNames;
  /** The routing key of what the node sends to itself. */
  readonly probeKey: string;
  readonly maxQueueBytes: number;
  readonly clock: Clock;
  readonly events: LinkEvents;
  /** A message of the node to itself. */
  onProbe(text: string): void;
}

/** What RabbitMQ drops is told once in this time. */
const LOSS_INTERVAL_MS = 1_000;

const decoder = new TextDecoder();

/** A connection that subscribes. */
export class Subscriber {
  readonly role = "subscriber";
  readonly connection: AmqpConnection;
  readonly #channel: AMQPChannel;
  readonly #options: SubscriberOptions;
  readonly #queue: string;
  /** The names that are longer than their keys, by key. */
  readonly #longNames = new Map<string, string>();
  #cancelAck = () => {};

  /**
   * @param connection The connection.
   * @param channel A channel of it.
   * @param queue The node's queue.
   * @param options Who wants to know what comes.
   */
  constructor(connection: AmqpConnection, channel: AMQPChannel, queue: string, options: SubscriberOptions) {
    this.connection = connection;
    this.#channel = channel;
    this.#queue = queue;
    this.#options = options;
  }

  /** Takes a message from the queue. */
  receive({ body, routingKey: key, properties: { type } }: AMQPMessage): void {
    const { probeKey, onProbe, events } = this.#options;
    const bytes = body as Uint8Array<ArrayBuffer>;
    if (key === probeKey) return onProbe(decoder.decode(bytes));
    const name = isHashed(key) ? this.#longNames.get(key) : key;
    if (name === undefined) return;
    let packed = type === PACKED || type === NAMED ? unpack(bytes) : undefined;
    // Of another name with the same key it is as foreign as what was not packed here.
    if (name !== key && (type !== NAMED || !packed || decoder.decode(packed.shift()) !== name)) {
      packed = undefined;
    }
    for (const data of packed ?? [bytes]) events.onMessage(name, data);
  }

  /** Takes what was dropped from the queue: the next one comes when this one is acknowledged. */
  lose(message: AMQPMessage): void {
    const { clock, events } = this.#options;
    events.onMissed(
      undefined,
      new Error("this node did not keep up, and more than maxQueueBytes waited for it at RabbitMQ"),
    );
    this.#cancelAck = clock.after(LOSS_INTERVAL_MS, () => void message.ack().catch(() => {}));
  }

  /** Resolves when whatever is published with these names arrives. */
  async subscribe(names: readonly string[]): Promise<void> {
    const { exchange } = this.#options.names;
    await Promise.all(names.map((name) => {
      const key = keyOf(name);
      if (key !== name) this.#longNames.set(key, name);
      return this.#channel.queueBind(this.#queue, exchange, key);
    }));
  }

  /** Resolves when nothing is sent any more. */
  async unsubscribe(names: readonly string[]): Promise<void> {
    const { exchange } = this.#options.names;
    await Promise.all(names.map((name) => {
      const key = keyOf(name);
      this.#longNames.delete(key);
      return this.#channel.queueUnbind(this.#queue, exchange, key);
    }));
  }

  /** Asks for an answer. */
  async ask(): Promise<void> {
    await this.#channel.basicQos(1);
  }

  /** Ends what goes on by itself. */
  end(): void {
    this.#cancelAck();
  }
}

/**
 * Makes the queues on a new connection.
 *
 * @param connection The connection.
 * @param options What it needs.
 */
export async function openSubscriber(
  connection: AmqpConnection,
  options: SubscriberOptions,
): Promise<Subscriber> {
  const { names, probeKey, maxQueueBytes } = options;
  const channel = await connection.channel();
  channel.onerror = (reason) => connection.lose(new Error(reason));
  const [inbox, lost] = [names.queue("inbox"), names.queue("lost")];
  const own = { exclusive: true, durable: false, autoDelete: true };
  await Promise.all([
    channel.exchangeDeclare(names.exchange, "direct", { durable: false }),
    channel.queueDeclare(lost, own, { "x-queue-type": "classic", "x-max-length": 1 }),
    channel.queueDeclare(inbox, own, {
      "x-queue-type": "classic",
      "x-max-length-bytes": maxQueueBytes,
      "x-overflow": "drop-head",
      "x-dead-letter-exchange": names.exchange,
      "x-dead-letter-routing-key": lost,
    }),
    channel.queueBind(lost, names.exchange, lost),
    channel.queueBind(inbox, names.exchange, probeKey),
    // Of what is confirmed by the receiver, one at a time: the queue of what is lost says so once, however much it is.
    channel.basicQos(1),
  ]);
  const subscriber = new Subscriber(connection, channel, inbox, options);
  const consumers = await Promise.all([
    channel.basicConsume(lost, { noAck: false, exclusive: true }, (message) => subscriber.lose(message)),
    channel.basicConsume(inbox, { noAck: true, exclusive: true }, (message) => subscriber.receive(message)),
  ]);
  for (const consumer of consumers) {
    consumer.wait().catch((cause) => connection.lose(cause)); // somebody has deleted its queue
  }
  return subscriber;
}
