/**
 * The connection that a node publishes over: every message is confirmed, a bounded number are under way, and what waits behind
 * them goes out together.
 *
 * @module
 */

import type { AMQPChannel } from "@cloudamqp/amqp-client";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import type { AmqpConnection } from "./connection.ts";
import { NackError } from "./errors.ts";
import { keyOf } from "./names.ts";
import { pack, PACKED } from "./packing.ts";

/** How many messages of RabbitMQ may be without an answer. */
const WINDOW = 128;
/** How large a packed message gets. */
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
  /** Its place in the batch. */
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
  #waiting: Waiting[] = [];
  #next = 0;
  #underWay = 0;
  #blocked = Promise.withResolvers<void>();
  #lost: Error | undefined;

  /**
   * @param connection The connection.
   * @param channel A channel of it that confirms.
   * @param exchange Where to publish.
   * @param onBlocked The server takes no messages for now, and says why; or takes them again.
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
    channel.onerror = (reason) => this.fail(new Error(reason));
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

  /** Whether the server takes messages. */
  get blocked(): boolean {
    return this.connection.blocked !== undefined;
  }

  /** Resolves when the server takes no messages any more, for now. */
  get whenBlocked(): Promise<void> {
    return this.#blocked.promise;
  }

  /** Publishes in this order. Resolves when all are answered. */
  publish(messages: readonly OutgoingMessage[]): Promise<PublishResults> {
    const batch: Batch = { results: [], left: messages.length, done: Promise.withResolvers() };
    for (const [index, message] of messages.entries()) this.#waiting.push({ message, batch, index });
    if (this.#lost) this.fail(this.#lost);
    else this.#send();
    return batch.done.promise;
  }

  /** Asks for a confirmation of its own. */
  async ask(key: string, text: string): Promise<void> {
    await this.#channel.basicPublish(this.#exchange, key, text);
  }

  /** What waits is lost, and the connection is of no use. */
  fail(error: Error): void {
    this.#lost ??= error;
    for (const waiting of this.#waiting.splice(0).slice(this.#next)) settle(waiting, error);
    this.#next = 0;
    this.connection.lose(error);
  }

  #send(): void {
    while (this.#next < this.#waiting.length && this.#underWay < WINDOW && !this.blocked) {
      void this.#sendRun(this.#takeRun());
    }
    // Emptied at once or in large steps: each costs as much as what is left.
    if (this.#next === this.#waiting.length) this.#waiting = [];
    else if (this.#next > 1_024) this.#waiting = this.#waiting.slice(this.#next);
    else return;
    this.#next = 0;
  }

  /** The next message, and those behind it that may share a message of RabbitMQ. */
  #takeRun(): Waiting[] {
    const first = this.#waiting[this.#next++]!;
    const run = [first];
    let bytes = first.message.data.length;
    for (; this.#next < this.#waiting.length; this.#next++) {
      const next = this.#waiting[this.#next]!;
      bytes += next.message.data.length;
      if (next.message.name !== first.message.name || bytes > MAX_PACK_BYTES) break;
      run.push(next);
    }
    return run;
  }

  async #sendRun(run: readonly Waiting[]): Promise<void> {
    const { name } = run[0]!.message;
    const key = keyOf(name);
    const body = run.length === 1
      ? run[0]!.message.data
      : pack(run.map(({ message }) => bytesOf(message.data)));
    this.#underWay++;
    let error: Error | undefined;
    try {
      await this.#channel.basicPublish(this.#exchange, key, body, {
        ...(run.length > 1 ? { type: PACKED } : {}),
        ...(key === name ? {} : { headers: { name } }),
      });
    } catch (cause) {
      error = this.#lost ?? (this.#channel.closed ? cause as Error : new NackError("it has not taken it"));
    }
    this.#underWay--;
    for (const waiting of run) settle(waiting, error);
    if (!this.#lost) this.#send();
  }
}

function settle({ batch, index }: Waiting, error: Error | undefined): void {
  if (error) batch.results[index] = error;
  if (--batch.left === 0) batch.done.resolve(batch.results);
}
