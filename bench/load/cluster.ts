/**
 * What the loads on several nodes of a cluster have in common. Whoever publishes is on the first node.
 *
 * @module
 */

import type { ClusterDialect } from "./cluster_dialects.ts";
import type { LoadConnection } from "./connection.ts";
import { concat } from "./frames.ts";
import type { Outcome } from "./outcome.ts";
import { usage } from "./server.ts";
import { received, STALLED_MS } from "./settle.ts";

/** What a load is told. */
export interface ClusterLoad {
  /** Where the nodes listen. */
  readonly ports: readonly number[];
  readonly dialect: ClusterDialect;
  /** How many connections publish. */
  readonly speakers: number;
  /** How many messages may be on their way. */
  readonly window: number;
}

/** What came of a load on a cluster. */
export interface ClusterOutcome extends Outcome {
  /** The resident memory of each node after the load, in bytes. */
  readonly rss: readonly number[];
}

/** How long one attempt may take until everybody has heard. */
const ATTEMPT_MS = 1_000;
const MAX_ATTEMPTS = 8;

/** Waits. */
export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Publishes, on the first node, what everybody should hear, until everybody does: not all servers say when they are ready. */
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
    await wait(ATTEMPT_MS); // what is late must not count for the next attempt
  }
  throw new Error("Not everybody hears what is published on the first node");
}

/** Publishes with never more than a window of messages on their way, that is, published and not heard everywhere. */
export class Stream {
  /** How many have been published. */
  published = 0;
  /** How many deliveries are due. */
  #due = 0;
  readonly #speakers: readonly LoadConnection[];
  readonly #frame: (number: number) => Uint8Array;
  readonly #deliveries: number;
  readonly #window: number;
  #more: () => boolean = () => false;

  /**
   * @param window How many messages.
   * @param speakers Who publishes, in turn.
   * @param hearers Who hears it.
   * @param deliveries How many of them hear one message.
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

  /** Publishes while there is more; resolves when there is none, or nothing comes for long. */
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

  /** Fills the window, in steps that are as large for every server, one write for each speaker. */
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
