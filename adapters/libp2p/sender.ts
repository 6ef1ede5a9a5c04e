/**
 * Sends frames, and never more than the peers can take. The buffer of a libp2p stream is 4 MiB. More data breaks the
 * stream, and gossipsub does not open another one.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { fitting, type FramePart, packFrame, partOf, stamp } from "./frame.ts";
import type { PubSub } from "./node.ts";

/** How much data to a peer may be unacknowledged. Waiting messages share frames, because each frame costs a signature. */
const WINDOW_BYTES = 1024 * 1024;
const WINDOW_FRAMES = 64;
/** After how much data a peer is asked for an acknowledgement. */
const ASK_BYTES = 128 * 1024;
const ASK_FRAMES = 8;
/** A peer that acknowledges nothing for this long no longer delays the others, until it acknowledges again. */
const PATIENCE_MS = 1_000;

/** A peer, as the sender sees it. */
export interface Recipient {
  /** The frames that the peer has not acknowledged, in order. */
  readonly owed: { readonly count: number; readonly bytes: number }[];
  owedBytes: number;
  /** Whether the sender does not wait for this peer. */
  slow: boolean;
}

/** Options of {@linkcode Sender}. */
export interface SenderOptions {
  readonly pubsub: PubSub;
  readonly clock: Clock;
  /** The session of this node. */
  readonly session: string;
  topicOf(name: string): string;
  /** The current peers. */
  recipients(): Iterable<Recipient>;
  /**
   * A frame has left.
   *
   * @param topic Its topic.
   * @param ids The peers to which gossipsub sent it.
   * @returns The known peers among them.
   */
  sent(topic: string, ids: readonly string[]): readonly Recipient[];
}

/** A waiting message, with the callback for its result. */
interface Waiting extends FramePart {
  settle(error: Error | undefined): void;
}

/** Sends frames, one after the other. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #positions = new Map<string, number>();
  #count = 0;
  /** The waiting messages by topic. The topic that has waited longest is first. */
  readonly #queues = new Map<string, Waiting[]>();
  #running = false;
  #closed: Error | undefined;
  #unasked = { bytes: 0, frames: 0 };
  #wake = () => {};

  /** @param options The options. */
  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** The number of the next frame, for each of these topics. */
  positions(topics: Iterable<string>): Record<string, number> {
    return Object.fromEntries([...topics].map((topic) => [topic, this.#positions.get(topic) ?? 0]));
  }

  /**
   * Sends the messages of one turn.
   *
   * @returns Resolves when each message has left or has failed.
   */
  async send(messages: readonly OutgoingMessage[]): Promise<PublishResults> {
    const failures: (Error | undefined)[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    let left = messages.length;
    for (const [place, message] of messages.entries()) {
      const topic = this.#options.topicOf(message.name);
      const settle = (error: Error | undefined) => {
        if (error) failures[place] = error;
        if (--left === 0) resolve();
      };
      const waiting = { ...partOf(message), settle };
      const queue = this.#queues.get(topic);
      if (queue) queue.push(waiting);
      else this.#queues.set(topic, [waiting]);
    }
    if (!this.#running) void this.#run();
    await promise;
    return failures;
  }

  /** A peer has acknowledged frames up to this one. */
  acknowledged(recipient: Recipient, count: number): void {
    const { owed } = recipient;
    const first = owed.findIndex((frame) => frame.count > count);
    const done = owed.splice(0, first < 0 ? owed.length : first);
    for (const { bytes } of done) recipient.owedBytes -= bytes;
    recipient.slow = false;
    this.#wake();
  }

  /** A peer is gone, or the sender must not wait for it. */
  recheck(): void {
    this.#wake();
  }

  /** Stops sending. */
  close(reason: Error): void {
    this.#closed = reason;
    this.#wake();
    for (const queue of this.#queues.values()) for (const { settle } of queue) settle(reason);
    this.#queues.clear();
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let topic; (topic = this.#next()) !== undefined;) {
      await this.#room(this.#queues.get(topic)!);
      const queue = this.#queues.get(topic);
      if (!queue) break;
      this.#queues.delete(topic);
      const parts = queue.splice(0, fitting(queue));
      // Puts the topic at the end, so that other topics get their turn.
      if (queue.length > 0) this.#queues.set(topic, queue);
      const error = await this.#publish(topic, packFrame(parts)).then(
        () => undefined,
        (error: Error) => error,
      );
      for (const { settle } of parts) settle(error);
    }
    this.#running = false;
  }

  #next(): string | undefined {
    return this.#queues.keys().next().value;
  }

  async #publish(topic: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
    const { pubsub, session, sent } = this.#options;
    const [count, seq] = [++this.#count, this.#positions.get(topic) ?? 0];
    this.#positions.set(topic, seq + 1);
    this.#unasked.bytes += bytes.length;
    this.#unasked.frames++;
    const ask = this.#unasked.bytes >= ASK_BYTES || this.#unasked.frames >= ASK_FRAMES;
    if (ask) this.#unasked = { bytes: 0, frames: 0 };
    stamp(bytes, { ask, session, count, seq });
    const { recipients } = await pubsub.publish(topic, bytes, {
      floodPublish: true,
      batchPublish: true,
      allowPublishToZeroTopicPeers: true,
    });
    for (const recipient of sent(topic, recipients.map(String))) {
      recipient.owed.push({ count, bytes: bytes.length });
      recipient.owedBytes += bytes.length;
    }
  }

  /** Waits until the peers can take one more frame. */
  async #room(parts: readonly FramePart[]): Promise<void> {
    const bytes = parts.slice(0, fitting(parts)).reduce((sum, part) => sum + part.bytes, 0);
    const isFull = ({ owed, owedBytes, slow }: Recipient) =>
      !slow && owedBytes > 0 && (owedBytes + bytes > WINDOW_BYTES || owed.length >= WINDOW_FRAMES);
    for (;;) {
      const full = [...this.#options.recipients()].filter(isFull);
      if (full.length === 0 || this.#closed) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      const cancel = this.#options.clock.after(PATIENCE_MS, () => {
        for (const recipient of full) recipient.slow = isFull(recipient);
        resolve();
      });
      const before = full.map(({ owedBytes }) => owedBytes);
      this.#wake = () => {
        // A peer has acknowledged data, or is gone: checks again.
        if (this.#closed || full.some(({ owedBytes }, i) => owedBytes !== before[i] || owedBytes === 0)) {
          resolve();
        }
      };
      await promise;
      cancel();
      this.#wake = () => {};
    }
  }
}
