/**
 * The common parts of the loads on several nodes of a cluster. All publishers are on the first node.
 *
 * @module
 */

import type { ClusterDialect } from "./cluster_dialects.ts";
import type { LoadConnection } from "./connection.ts";
import { concat } from "./frames.ts";
import type { Outcome } from "./outcome.ts";
import { usage } from "./server.ts";
import { received, STALLED_MS } from "./settle.ts";

/** The orders for a load. */
export interface ClusterLoad {
  /** The ports of the nodes. */
  readonly ports: readonly number[];
  readonly dialect: ClusterDialect;
  /** How many connections publish. */
  readonly speakers: number;
  /** The window: how many messages may be on their way. */
  readonly window: number;
}

/** The result of a load on a cluster. */
export interface ClusterOutcome extends Outcome {
  /** The resident memory of each node after the load, in bytes. */
  readonly rss: readonly number[];
}

/** How long one attempt may take until every listener has got the message. */
const ATTEMPT_MS = 1_000;
const MAX_ATTEMPTS = 8;

/** Waits. */
export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Publishes on the first node until every listener gets a message: not all servers say when a subscription is live. */
export async function untilLive(
  speaker: LoadConnection,
  hearers: readonly LoadConnection[],
  frames: Uint8Array,
  expected: number,
): Promise<void> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const before = received(hearers);
    speaker.write(frames);
    const end = performance.now() + ATTEMPT_MS;
    while (received(hearers) - before < expected && performance.now() < end) await wait(2);
    if (received(hearers) - before === expected) return;
    await wait(ATTEMPT_MS); // late messages must not count for the next attempt
  }
  throw new Error("Not every listener gets the messages that are published on the first node");
}

/** Publishes with at most a window of messages on their way: published, but not yet delivered to all listeners. */
export class Stream {
  /** How many have been published. */
  published = 0;
  /** How many deliveries are expected. */
  #due = 0;
  readonly #speakers: readonly LoadConnection[];
  readonly #frame: (number: number) => Uint8Array;
  readonly #deliveries: number;
  readonly #window: number;
  #more: () => boolean = () => false;

  /**
   * @param window How many messages.
   * @param speakers The publishers, in turn.
   * @param hearers The listeners.
   * @param deliveries How many listeners get one message.
   * @param frame Makes the frame of a message.
   */
  constructor(
    window: number,
    speakers: readonly LoadConnection[],
    hearers: readonly LoadConnection[],
    deliveries: number,
    frame: (number: number) => Uint8Array,
  ) {
    this.#speakers = speakers;
    this.#frame = frame;
    this.#deliveries = deliveries;
    this.#window = window;
    for (const hearer of hearers) {
      hearer.onReceived = (count) => {
        this.#due -= count;
        this.#fill();
      };
    }
  }

  /** Publishes until there are no more messages. Also stops when no message arrives for a long time. */
  async run(more: () => boolean): Promise<void> {
    this.#more = more;
    this.#fill();
    let published = -1;
    let since = performance.now();
    while (more()) {
      if (published !== this.published) [published, since] = [this.published, performance.now()];
      else if (performance.now() - since > STALLED_MS) break;
      await wait(1);
    }
    this.#more = () => false;
  }

  /** Fills the window in steps of the same size for every server, with one write for each speaker. */
  #fill(): void {
    const step = Math.max(this.#speakers.length, this.#window >> 3);
    while (this.#more() && this.#due <= (this.#window - step) * this.#deliveries) {
      const each = Math.floor(step / this.#speakers.length);
      const first = this.published;
      this.published += each * this.#speakers.length;
      this.#due += each * this.#speakers.length * this.#deliveries;
      for (const [i, speaker] of this.#speakers.entries()) {
        const numbers = Array.from({ length: each }, (_, j) => first + j * this.#speakers.length + i);
        speaker.write(concat(numbers.map(this.#frame)));
      }
    }
  }
}

/** The resident memory of each node, in bytes, after a garbage collection. */
export async function memory(ports: readonly number[]): Promise<number[]> {
  return (await Promise.all(ports.map((port) => usage(port, "collect")))).map(({ rss }) => rss);
}
