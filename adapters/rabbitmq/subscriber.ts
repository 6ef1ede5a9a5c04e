/**
 * The connection on which a node subscribes. Its queues are bound to the channels that the node wants. RabbitMQ deletes
 * them when the connection closes.
 *
 * A queue has a size limit, because a node may freeze. Above the limit RabbitMQ drops the oldest messages first. It
 * moves dropped messages to a queue that holds one message. When that message arrives, the node knows that it has
 * missed some.
 *
 * @module
 */

import type { AMQPChannel, AMQPMessage } from "@cloudamqp/amqp-client";
import type { Clock } from "../../contract/clock.ts";
import type { LinkEvents } from "../kit/engine.ts";
import type { AmqpConnection } from "./connection.ts";
import { isHashed, keyOf, type RabbitMqNames } from "./names.ts";
import { NAMED, PACKED, unpack } from "./packing.ts";

/** Options of {@linkcode openSubscriber}. */
export interface SubscriberOptions {
  readonly names: RabbitMqNames;
  /** The routing key of the node's own probes. */
  readonly probeKey: string;
  /** The size limit of each queue. */
  readonly maxQueueBytes: number;
  readonly clock: Clock;
  readonly events: LinkEvents;
  /** A probe of this node has come back. */
  onProbe(text: string): void;
}

/** At most one loss is reported in this time. */
const LOSS_INTERVAL_MS = 1_000;

/**
 * How many channels share a queue. The time in which RabbitMQ deletes a queue grows with the square of its bindings.
 * With 10,000 bindings on one queue, a node whose connection breaks is back after half a minute. With this limit it is
 * back after some seconds.
 */
const MAX_BINDINGS = 250;

/** For this connection only, and deleted with it. */
const EXCLUSIVE = { exclusive: true, durable: false, autoDelete: true };

const decoder = new TextDecoder();

/** A queue, and the number of channels bound to it. */
interface Queue {
  readonly name: string;
  bindings: number;
  /** Resolves when RabbitMQ has created the queue and the node reads it. */
  readonly ready: Promise<void>;
}

/** A connection that subscribes. */
export class Subscriber {
  readonly role = "subscriber";
  readonly connection: AmqpConnection;
  /**
   * The library confuses the answer to `consume` with answers to other commands. So on this channel only one command
   * runs at a time.
   */
  readonly #reading: AMQPChannel;
  readonly #binding: AMQPChannel;
  readonly #options: SubscriberOptions;
  /** Resolves when the newest queue exists. */
  #making: Promise<void> = Promise.resolve();
  /** The name of the queue for dropped messages. */
  readonly #lost: string;
  readonly #queues: Queue[] = [];
  /** The queue of each bound channel, by routing key. */
  readonly #bound = new Map<string, { readonly name: string; readonly queue: Queue }>();
  #cancelAck = () => {};

  /**
   * @param connection The connection.
   * @param channels Two channels of the connection.
   * @param options The options.
   */
  constructor(
    connection: AmqpConnection,
    channels: readonly [AMQPChannel, AMQPChannel],
    options: SubscriberOptions,
  ) {
    this.connection = connection;
    [this.#reading, this.#binding] = channels;
    this.#options = options;
    this.#lost = options.names.queue("lost");
    for (const channel of channels) channel.onerror = (reason) => connection.lose(new Error(reason));
  }

  /** Creates the exchange, the queue for dropped messages and the probe's binding. */
  async open(): Promise<void> {
    const { names: { exchange }, probeKey } = this.#options;
    const lost = this.#lost;
    await this.#reading.exchangeDeclare(exchange, "direct", { durable: false });
    await this.#reading.queueDeclare(lost, EXCLUSIVE, { "x-queue-type": "classic", "x-max-length": 1 });
    await this.#reading.queueBind(lost, exchange, lost);
    // RabbitMQ sends the next message when the last one is acknowledged. So all drops until then make one report.
    await this.#reading.basicQos(1);
    await this.#consume(lost, false, (message) => this.#miss(message));
    await this.#bind(probeKey, probeKey);
  }

  /** Resolves when messages with these names arrive. */
  async subscribe(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#bind(keyOf(name), name)));
  }

  /** Resolves when RabbitMQ sends no more messages of these channels. */
  async unsubscribe(names: readonly string[]): Promise<void> {
    await Promise.all(names.map(async (name) => {
      const key = keyOf(name);
      const bound = this.#bound.get(key);
      if (!bound) return;
      this.#bound.delete(key);
      await this.#binding.queueUnbind(bound.queue.name, this.#options.names.exchange, key);
      bound.queue.bindings--;
    }));
  }

  /** Sends a command, and waits for the answer. */
  async ask(): Promise<void> {
    await this.#binding.basicQos(1);
  }

  /** Cancels the timer. */
  end(): void {
    this.#cancelAck();
  }

  async #bind(key: string, name: string): Promise<void> {
    const queue = this.#queues.find(({ bindings }) => bindings < MAX_BINDINGS) ?? this.#addQueue();
    queue.bindings++;
    this.#bound.set(key, { name, queue });
    await queue.ready;
    await this.#binding.queueBind(queue.name, this.#options.names.exchange, key);
  }

  #addQueue(): Queue {
    const name = this.#options.names.queue("inbox");
    const ready = this.#making = this.#making.then(() => this.#make(name));
    ready.catch(() => {}); // the caller that binds to the queue gets the error
    const queue = { name, bindings: 0, ready };
    this.#queues.push(queue);
    return queue;
  }

  async #make(name: string): Promise<void> {
    const { names, maxQueueBytes } = this.#options;
    await this.#reading.queueDeclare(name, EXCLUSIVE, {
      "x-queue-type": "classic",
      // As a number, the library would write 2 GiB to 4 GiB as a negative number.
      "x-max-length-bytes": BigInt(maxQueueBytes),
      "x-overflow": "drop-head",
      "x-dead-letter-exchange": names.exchange,
      "x-dead-letter-routing-key": this.#lost,
    });
    await this.#consume(name, true, (message) => this.#receive(message));
  }

  async #consume(queue: string, noAck: boolean, onMessage: (message: AMQPMessage) => void): Promise<void> {
    const consumer = await this.#reading.basicConsume(queue, { noAck, exclusive: true }, onMessage);
    consumer.wait().catch((cause) => this.connection.lose(cause)); // another client has deleted the queue
  }

  #receive({ body, routingKey: key, properties: { type } }: AMQPMessage): void {
    const { probeKey, onProbe, events } = this.#options;
    const bytes = body as Uint8Array<ArrayBuffer>;
    if (key === probeKey) return onProbe(decoder.decode(bytes));
    const name = isHashed(key) ? this.#bound.get(key)?.name : key;
    if (name === undefined) return;
    let packed = type === PACKED || type === NAMED ? unpack(bytes) : undefined;
    // Another name with the same key makes the message foreign, like a message that the adapter did not pack.
    if (name !== key && (type !== NAMED || !packed || decoder.decode(packed.shift()) !== name)) {
      packed = undefined;
    }
    for (const data of packed ?? [bytes]) events.onMessage(name, data);
  }

  /** RabbitMQ sends the next dropped message after the acknowledgement of this one. */
  #miss(message: AMQPMessage): void {
    const { clock, events } = this.#options;
    const why = "this node did not keep up, and more than maxQueueBytes waited for it at RabbitMQ";
    events.onMissed(undefined, new Error(why));
    this.#cancelAck = clock.after(LOSS_INTERVAL_MS, () => void message.ack().catch(() => {}));
  }
}

/**
 * Turns a new connection into a subscriber.
 *
 * @param connection The connection.
 * @param options The options.
 */
export async function openSubscriber(
  connection: AmqpConnection,
  options: SubscriberOptions,
): Promise<Subscriber> {
  const channels = [await connection.channel(), await connection.channel()] as const;
  const subscriber = new Subscriber(connection, channels, options);
  await subscriber.open();
  return subscriber;
}
