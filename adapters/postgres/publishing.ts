/**
 * The publishes of a node, over one connection. One statement runs at a time, and the next carries all messages that
 * came meanwhile. Each statement is a transaction, so its messages arrive all together or not at all. Transactions of
 * one database that notify wait for each other, so few large statements are fast.
 *
 * @module
 */

import { utf8Size } from "../../contract/values/utf8_size.ts";
import type { Chunks } from "../kit/chunks.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { MAX_PAYLOAD_BYTES, type NotifyChannels, partitionOf, payloadHead } from "./channels.ts";
import type { Connection } from "./connection.ts";
import { inMarked } from "./transaction.ts";

/** Notifies lists of partitions and payloads, in order. */
const NOTIFY = "SELECT count(pg_notify($1 || t.partition, t.payload)) " +
  "FROM unnest($2::text[], $3::text[]) AS t(partition, payload)";

/** The same, within the marked transaction. Counts 0 if that transaction has ended. */
const NOTIFY_WITHIN = `${NOTIFY} WHERE ${inMarked("$4")}`;

/** How much text goes into one statement, in UTF-16 units. One message may be larger. */
const MAX_STATEMENT_LENGTH = 1024 * 1024;

/** Messages that wait for their statement. */
interface Batch {
  readonly messages: readonly OutgoingMessage[];
  readonly results: unknown[];
  /** How many of the messages were sent. */
  sent: number;
  readonly done: PromiseWithResolvers<PublishResults>;
}

/** A statement, ready to be sent. */
export interface Statement {
  readonly text: string;
  readonly parameters: readonly string[];
}

/** Numbers and splits the messages of one adapter. */
export class Packer {
  readonly #channels: NotifyChannels;
  readonly #chunks: Chunks;
  #lastNumber = 0;

  /**
   * @param channels The notify channels.
   * @param chunks Splits large messages.
   */
  constructor(channels: NotifyChannels, chunks: Chunks) {
    this.#channels = channels;
    this.#chunks = chunks;
  }

  /** The payloads of a message, in order. */
  payloadsOf({ name, data }: Pick<OutgoingMessage, "name" | "data">): string[] {
    const room = MAX_PAYLOAD_BYTES - utf8Size(payloadHead(Number.MAX_SAFE_INTEGER, name));
    return this.#chunks.cut(data, room).map((part) => payloadHead(++this.#lastNumber, name) + part);
  }

  /**
   * The statement that sends payloads.
   *
   * @param partitions The partition of each payload.
   * @param payloads The payloads.
   * @param mark The mark of the transaction to publish in. Without a mark, the statement goes over the adapter's own
   * connection.
   */
  statement(partitions: readonly number[], payloads: readonly string[], mark?: string): Statement {
    const parameters = [this.#channels.root, `{${partitions.join()}}`, toArray(payloads)];
    return mark === undefined
      ? { text: NOTIFY, parameters }
      : { text: NOTIFY_WITHIN, parameters: [...parameters, mark] };
  }
}

/** Publishes over one connection. */
export class Publishing {
  readonly #connection: Pick<Connection, "ask">;
  readonly #packer: Packer;
  readonly #onSign: () => void;
  readonly #queue: Batch[] = [];
  #busy = false;

  /**
   * @param connection The connection.
   * @param packer Turns messages into payloads.
   * @param onSign Called when the server has answered.
   */
  constructor(connection: Pick<Connection, "ask">, packer: Packer, onSign: () => void) {
    this.#connection = connection;
    this.#packer = packer;
    this.#onSign = onSign;
  }

  /**
   * Sends messages in this order. Never rejects. Messages that the connection could not send before it was lost have
   * failed.
   */
  publish(messages: readonly OutgoingMessage[]): Promise<PublishResults> {
    const done = Promise.withResolvers<PublishResults>();
    this.#queue.push({ messages, results: [], sent: 0, done });
    if (!this.#busy) void this.#run();
    return done.promise;
  }

  async #run(): Promise<void> {
    this.#busy = true;
    while (this.#queue.length > 0) {
      const sending: [Batch, number][] = [];
      const [partitions, payloads]: [number[], string[]] = [[], []];
      this.#collect(sending, partitions, payloads);
      const { text, parameters } = this.#packer.statement(partitions, payloads);
      try {
        if (payloads.length > 0) await this.#connection.ask(text, parameters);
        this.#onSign();
      } catch (error) {
        for (const [{ results }, i] of sending) results[i] = error;
      }
      while (this.#queue[0] && this.#queue[0].sent === this.#queue[0].messages.length) {
        const { done, results } = this.#queue.shift()!;
        done.resolve(results);
      }
    }
    this.#busy = false;
  }

  #collect(sending: [Batch, number][], partitions: number[], payloads: string[]): void {
    let length = 0;
    for (const batch of this.#queue) {
      while (batch.sent < batch.messages.length) {
        const message = batch.messages[batch.sent]!;
        if (length > 0 && length + message.data.length > MAX_STATEMENT_LENGTH) return;
        length += message.data.length;
        const partition = partitionOf(message.name);
        const at = batch.sent++;
        try {
          for (const payload of this.#packer.payloadsOf(message)) {
            partitions.push(partition);
            payloads.push(payload);
          }
          sending.push([batch, at]);
        } catch (error) {
          batch.results[at] = error;
        }
      }
    }
  }
}

/** A PostgreSQL array of texts. */
export function toArray(texts: readonly string[]): string {
  return `{${texts.map((text) => `"${text.replace(/[\\"]/g, "\\$&")}"`).join()}}`;
}
