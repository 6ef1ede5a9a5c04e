/**
 * What leaves a node: frame by frame, and never more than peers can take. The buffer of a stream is 4 MiB: what is beyond it
 * breaks the stream, and gossipsub opens no other one.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { OutgoingMessage, PublishResults } from "../kit/outbox.ts";
import { type Draft, packFrames, stamp } from "./frame.ts";
import type { PubSub } from "./node.ts";

/** How much may be on its way to a peer without an acknowledgement. */
const WINDOW_BYTES = 1024 * 1024;
/** How often a peer is asked for one. */
const ASK_BYTES = 128 * 1024;
const ASK_FRAMES = 64;
/** A peer that takes nothing for so long does not hold the others up any more, until it does again. */
const PATIENCE_MS = 1_000;

/** A peer, as far as it is sent to. */
export interface Recipient {
  /** What it has not acknowledged, in order. */
  readonly owed: { readonly count: number; readonly bytes: number }[];
  owedBytes: number;
  /** Whether it is not waited for. */
  slow: boolean;
}

/** What {@linkcode Sender} needs. */
export interface SenderOptions {
  readonly pubsub: PubSub;
  readonly clock: Clock;
  /** The session of this node. */
  readonly session: string;
  topicOf(name: string): string;
  /** The peers of now. */
  recipients(): Iterable<Recipient>;
  /**
   * A frame has left.
   *
   * @param topic Its topic.
   * @param ids The peers that it was sent to.
   * @returns Those of them that are known.
   */
  sent(topic: string, ids: readonly string[]): readonly Recipient[];
}

/** Sends frames, one after the other. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #positions = new Map<string, number>();
  #count = 0;
  readonly #queue: { readonly draft: Draft; settle(error?: Error): void }[] = [];
  #running = false;
  #closed: Error | undefined;
  #unasked = { bytes: 0, frames: 0 };
  #wake = () => {};

  /** @param options What it needs. */
  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** The number of the next frame of each of some topics. */
  positions(topics: Iterable<string>): Record<string, number> {
    return Object.fromEntries([...topics].map((topic) => [topic, this.#positions.get(topic) ?? 0]));
  }

  /**
   * Sends messages of one turn.
   *
   * @returns Resolves when all have left, or have not.
   */
  async send(messages: readonly OutgoingMessage[]): Promise<PublishResults> {
    const failures: (Error | undefined)[] = [];
    const sending = packFrames(messages, this.#options.topicOf).map((draft) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      const settle = (error?: Error) => {
        if (error) { for (const place of draft.places) failures[place] = error; }
        resolve();
      };
      this.#queue.push({ draft, settle });
      return promise;
    });
    if (!this.#running) void this.#run();
    await Promise.all(sending);
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

  /** Somebody has gone, or is not to be waited for. */
  recheck(): void {
    this.#wake();
  }

  /** Sends nothing any more. */
  close(reason: Error): void {
    this.#closed = reason;
    this.#wake();
    for (const { settle } of this.#queue.splice(0)) settle(reason);
  }

  async #run(): Promise<void> {
    this.#running = true;
    for (let next; (next = this.#queue[0]) !== undefined;) {
      await this.#room(next.draft.bytes.length);
      if (this.#closed || this.#queue.shift() !== next) break;
      try {
        await this.#publish(next.draft);
        next.settle();
      } catch (error) {
        next.settle(error as Error);
      }
    }
    this.#running = false;
  }

  async #publish({ topic, bytes }: Draft): Promise<void> {
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

  /** Waits until the peers can take so much more. */
  async #room(bytes: number): Promise<void> {
    const isFull = ({ owedBytes, slow }: Recipient) =>
      !slow && owedBytes > 0 && owedBytes + bytes > WINDOW_BYTES;
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
        // Any progress of theirs, or somebody gone: looked at anew.
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
