/**
 * The connection on which a node publishes. RabbitMQ confirms every message. The number of unconfirmed messages is
 * limited. Waiting messages of one channel go out together, as one message of RabbitMQ. So messages of one channel keep
 * their order, but messages of different channels may not.
 *
 * @module
 */

import type { AMQPChannel } from "@cloudamqp/amqp-client";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import type { AmqpConnection } from "./connection.ts";
import { NackError } from "./errors.ts";
import { keyOf } from "./names.ts";
import { NAMED, pack, PACKED } from "./packing.ts";

/** How many messages of RabbitMQ, and how many bytes, may be unconfirmed. The library keeps a buffer for each. */
const WINDOW = 1_024;
const WINDOW_BYTES = 4 * 1024 * 1024;
/** The largest packed message. */
const MAX_PACK_BYTES = 64 * 1024;

/** The messages of one turn. */
interface Batch {
  readonly results: (Error | undefined)[];
  left: number;
  readonly done: PromiseWithResolvers<PublishResults>;
}

/** A message that waits. */
interface Waiting {
  readonly message: OutgoingMessage;
  readonly batch: Batch;
  /** The index of the message in the batch. */
  readonly index: number;
}

const encoder = new TextEncoder();
const bytesOf = (data: string | Uint8Array): Uint8Array =>
  typeof data === "string" ? encoder.encode(data) : data;

/** A connection that publishes. */
export class Publisher {
  readonly role = "publisher";
  readonly connection: AmqpConnection;
  readonly #channel: AMQPChannel;
  readonly #exchange: string;
  /** Waiting messages by name, the oldest first. */
  readonly #waiting = new Map<string, Waiting[]>();
  #underWay = 0;
  #bytesUnderWay = 0;
  #blocked = Promise.withResolvers<void>();
  #lost: Error | undefined;

  /**
   * @param connection The connection.
   * @param channel A channel of the connection, with confirms.
   * @param exchange The exchange to publish to.
   * @param onBlocked Called with the reason when the server stops taking messages, and without one when it takes them
   * again.
   */
  constructor(
    connection: AmqpConnection,
    channel: AMQPChannel,
    exchange: string,
    onBlocked: (reason: string | undefined) => void,
  ) {
    this.connection = connection;
    this.#channel = channel;
    this.#exchange = exchange;
    channel.onerror = (reason) => this.#fail(new Error(reason));
    connection.onblocked = (reason) => {
      this.#blocked.resolve();
      onBlocked(reason);
    };
    connection.onunblocked = () => {
      this.#blocked = Promise.withResolvers();
      onBlocked(undefined);
      this.#send();
    };
  }

  /** Whether the server takes no messages for now. */
  get blocked(): boolean {
    return this.connection.blocked !== undefined;
  }

  /** Resolves when the server stops taking messages for now. */
  get whenBlocked(): Promise<void> {
    return this.#blocked.promise;
  }

  /** Publishes in this order. Resolves when all messages have a result. */
  publish(messages: readonly OutgoingMessage[]): Promise<PublishResults> {
    const batch: Batch = { results: [], left: messages.length, done: Promise.withResolvers() };
    for (const [index, message] of messages.entries()) {
      const known = this.#waiting.get(message.name);
      if (known) known.push({ message, batch, index });
      else this.#waiting.set(message.name, [{ message, batch, index }]);
    }
    if (this.#lost) this.#fail(this.#lost);
    else this.#send();
    return batch.done.promise;
  }

  /** Publishes a probe, and waits for its confirmation. */
  async ask(key: string, text: string): Promise<void> {
    await this.#channel.basicPublish(this.#exchange, key, text);
  }

  /** Fails all waiting messages. */
  end(): void {
    this.#fail(new Error("The connection is gone"));
  }

  /** Fails all waiting messages, and gives up the connection. */
  #fail(error: Error): void {
    this.#lost ??= error;
    for (const waiting of [...this.#waiting.values()].flat()) settle(waiting, error);
    this.#waiting.clear();
    this.connection.lose(error);
  }

  #send(): void {
    for (const [name, waiting] of this.#waiting) {
      if (this.#underWay >= WINDOW || this.#bytesUnderWay >= WINDOW_BYTES || this.blocked) return;
      // Moves the channel to the end: a channel with many waiting messages delays the others by one RabbitMQ message
      // only.
      this.#waiting.delete(name);
      void this.#sendRun(name, waiting.splice(0, fitting(waiting)));
      if (waiting.length > 0) this.#waiting.set(name, waiting);
    }
  }

  async #sendRun(name: string, run: readonly Waiting[]): Promise<void> {
    const key = keyOf(name);
    const named = key !== name;
    const body = run.length === 1 && !named
      ? run[0]!.message.data
      : pack([...named ? [name] : [], ...run.map(({ message }) => message.data)].map(bytesOf));
    const { length } = body;
    this.#underWay++;
    this.#bytesUnderWay += length;
    let error: Error | undefined;
    try {
      await this.#channel.basicPublish(this.#exchange, key, body, {
        ...(named ? { type: NAMED } : run.length > 1 ? { type: PACKED } : {}),
      });
    } catch (cause) {
      error = this.#lost ?? (this.#channel.closed ? cause as Error : new NackError("it refused the message"));
    }
    this.#underWay--;
    this.#bytesUnderWay -= length;
    for (const waiting of run) settle(waiting, error);
    if (!this.#lost) this.#send();
  }
}

/** How many of these messages fit into one message of RabbitMQ: at least one. */
function fitting(waiting: readonly Waiting[]): number {
  let bytes = 0;
  const over = waiting.findIndex(({ message }) => (bytes += message.data.length) > MAX_PACK_BYTES);
  return over === -1 ? waiting.length : Math.max(over, 1);
}

function settle({ batch, index }: Waiting, error: Error | undefined): void {
  if (error) batch.results[index] = error;
  if (--batch.left === 0) batch.done.resolve(batch.results);
}
