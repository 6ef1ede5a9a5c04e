/**
 * The connection that a node listens on: queues, bound to the channels that the node wants. RabbitMQ deletes them with the
 * connection.
 *
 * A queue has a bound, as a node may be frozen. What RabbitMQ drops beyond it, the oldest first, it hands to a queue that
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
  /** The bound of each queue. */
  readonly maxQueueBytes: number;
  readonly clock: Clock;
  readonly events: LinkEvents;
  /** A message of the node to itself. */
  onProbe(text: string): void;
}

/** What RabbitMQ drops is told once in this time. */
const LOSS_INTERVAL_MS = 1_000;

/**
 * How many channels share a queue. What RabbitMQ takes to delete a queue grows with the square of its bindings: with 10,000 on one
 * queue, a node whose connection breaks is back after half a minute, with these after some seconds.
 */
const MAX_BINDINGS = 250;

/** Of this connection alone, and gone with it. */
const EXCLUSIVE = { exclusive: true, durable: false, autoDelete: true };

const decoder = new TextDecoder();

/** A queue, and how many channels are bound to it. */
interface Queue {
  readonly name: string;
  bindings: number;
  /** Resolves when it is there and read. */
  readonly ready: Promise<void>;
}

/** A connection that subscribes. */
export class Subscriber {
  readonly role = "subscriber";
  readonly connection: AmqpConnection;
  /** Answers to `consume` overtake others, which the library takes for each other: on this one command waits for another. */
  readonly #reading: AMQPChannel;
  readonly #binding: AMQPChannel;
  readonly #options: SubscriberOptions;
  /** The last queue that is being made. */
  #making: Promise<void> = Promise.resolve();
  /** The queue of what is dropped from the others. */
  readonly #lost: string;
  readonly #queues: Queue[] = [];
  /** Where channels are bound, by their keys. */
  readonly #bound = new Map<string, { readonly name: string; readonly queue: Queue }>();
  #cancelAck = () => {};

  /**
   * @param connection The connection.
   * @param channels Two channels of it.
   * @param options Who wants to know what comes.
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

  /** Makes what every node has. */
  async open(): Promise<void> {
    const { names: { exchange }, probeKey } = this.#options;
    const lost = this.#lost;
    await this.#reading.exchangeDeclare(exchange, "direct", { durable: false });
    await this.#reading.queueDeclare(lost, EXCLUSIVE, { "x-queue-type": "classic", "x-max-length": 1 });
    await this.#reading.queueBind(lost, exchange, lost);
    // Of what is acknowledged, one at a time: however much is dropped, it is told once until then.
    await this.#reading.basicQos(1);
    await this.#consume(lost, false, (message) => this.#miss(message));
    await this.#bind(probeKey, probeKey);
  }

  /** Resolves when whatever is published with these names arrives. */
  async subscribe(names: readonly string[]): Promise<void> {
    await Promise.all(names.map((name) => this.#bind(keyOf(name), name)));
  }

  /** Resolves when nothing is sent any more. */
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

  /** Asks for an answer. */
  async ask(): Promise<void> {
    await this.#binding.basicQos(1);
  }

  /** Ends what goes on by itself. */
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
    ready.catch(() => {}); // whoever binds to it hears of it
    const queue = { name, bindings: 0, ready };
    this.#queues.push(queue);
    return queue;
  }

  async #make(name: string): Promise<void> {
    const { names, maxQueueBytes } = this.#options;
    await this.#reading.queueDeclare(name, EXCLUSIVE, {
      "x-queue-type": "classic",
      // As a number the library would write one from 2 GiB to 4 GiB as a negative one.
      "x-max-length-bytes": BigInt(maxQueueBytes),
      "x-overflow": "drop-head",
      "x-dead-letter-exchange": names.exchange,
      "x-dead-letter-routing-key": this.#lost,
    });
    await this.#consume(name, true, (message) => this.#receive(message));
  }

  async #consume(queue: string, noAck: boolean, onMessage: (message: AMQPMessage) => void): Promise<void> {
    const consumer = await this.#reading.basicConsume(queue, { noAck, exclusive: true }, onMessage);
    consumer.wait().catch((cause) => this.connection.lose(cause)); // somebody has deleted the queue
  }

  #receive({ body, routingKey: key, properties: { type } }: AMQPMessage): void {
    const { probeKey, onProbe, events } = this.#options;
    const bytes = body as Uint8Array<ArrayBuffer>;
    if (key === probeKey) return onProbe(decoder.decode(bytes));
    const name = isHashed(key) ? this.#bound.get(key)?.name : key;
    if (name === undefined) return;
    let packed = type === PACKED || type === NAMED ? unpack(bytes) : undefined;
    // Of another name with the same key it is as foreign as what was not packed here.
    if (name !== key && (type !== NAMED || !packed || decoder.decode(packed.shift()) !== name)) {
      packed = undefined;
    }
    for (const data of packed ?? [bytes]) events.onMessage(name, data);
  }

  /** The next one comes when this one is acknowledged. */
  #miss(message: AMQPMessage): void {
    const { clock, events } = this.#options;
    const why = "this node did not keep up, and more than maxQueueBytes waited for it at RabbitMQ";
    events.onMissed(undefined, new Error(why));
    this.#cancelAck = clock.after(LOSS_INTERVAL_MS, () => void message.ack().catch(() => {}));
  }
}

/**
 * Makes a new connection one that subscribes.
 *
 * @param connection The connection.
 * @param options What it needs.
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
