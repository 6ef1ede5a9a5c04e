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
import { keyOf, type RabbitMqNames } from "./names.ts";
import { PACKED, unpack } from "./packing.ts";

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
  readonly #exchange: string;
  readonly #queue: string;

  /**
   * @param connection The connection.
   * @param channel A channel of it.
   * @param exchange Where to listen.
   * @param queue The queue.
   */
  constructor(connection: AmqpConnection, channel: AMQPChannel, exchange: string, queue: string) {
    this.connection = connection;
    this.#channel = channel;
    this.#exchange = exchange;
    this.#queue = queue;
  }

  /** Resolves when whatever is published with these names arrives. */
  async subscribe(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map((name) => this.#channel.queueBind(this.#queue, this.#exchange, keyOf(name))),
    );
  }

  /** Resolves when nothing is sent any more. */
  async unsubscribe(names: readonly string[]): Promise<void> {
    await Promise.all(
      names.map((name) => this.#channel.queueUnbind(this.#queue, this.#exchange, keyOf(name))),
    );
  }

  /** Asks for an answer. */
  async ask(): Promise<void> {
    await this.#channel.basicQos(1);
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
  { names, probeKey, maxQueueBytes, clock, events, onProbe }: SubscriberOptions,
): Promise<Subscriber> {
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
      "x-dead-letter-exchange": "",
      "x-dead-letter-routing-key": lost,
    }),
    channel.queueBind(inbox, names.exchange, probeKey),
    // Of what is confirmed by the receiver, one at a time: the queue of what is lost says so once, however much it is.
    channel.basicQos(1),
  ]);
  const onMessage = (message: AMQPMessage) => {
    const bytes = message.body as Uint8Array<ArrayBuffer>;
    const { routingKey: key, properties: { type, headers } } = message;
    if (key === probeKey) return onProbe(decoder.decode(bytes));
    const name = key.startsWith("h:") ? headers?.["name"] : key;
    if (typeof name !== "string") return;
    for (const data of (type === PACKED ? unpack(bytes) : undefined) ?? [bytes]) events.onMessage(name, data);
  };
  const onLoss = (message: AMQPMessage) => {
    events.onMissed(
      undefined,
      new Error("this node did not keep up, and more than maxQueueBytes waited for it"),
    );
    clock.after(LOSS_INTERVAL_MS, () => void message.ack().catch(() => {}), { background: true });
  };
  const consumers = await Promise.all([
    channel.basicConsume(lost, { noAck: false, exclusive: true }, onLoss),
    channel.basicConsume(inbox, { noAck: true, exclusive: true }, onMessage),
  ]);
  for (const consumer of consumers) {
    consumer.wait().catch((cause) => connection.lose(cause)); // somebody has deleted its queue
  }
  return new Subscriber(connection, channel, names.exchange, inbox);
}
