/**
 * What comes from other nodes, brought into the order in which they sent it: each frame once, and what does not come is told.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { Positions } from "./control.ts";
import type { Frame } from "./frame.ts";

/**
 * How long to wait for a frame that others have overtaken, in milliseconds. Gossipsub tells each second what it has, so that
 * whoever missed something may ask for it.
 */
const PATIENCE_MS = 2_500;
/** How much may wait for a frame that is missing, of one sender on one topic. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;
const MAX_HELD_FRAMES = 1_024;
/** How many sequences are remembered; those that were quiet for longest go first. */
const MAX_SEQUENCES = 10_000;

/** What {@linkcode Receiver} needs. */
export interface ReceiverOptions {
  readonly clock: Clock;
  /** Takes a frame, in order. */
  deliver(topic: string, frame: Frame): void;
  /** Frames of a topic are lost. */
  onGap(topic: string): void;
}

/** What one session sends on one topic. */
interface Sequence {
  readonly topic: string;
  /** The number of the next frame; lower ones came, or are given up. */
  next: number;
  /** Whether `next` is what must come next: else whatever comes is the next. */
  begun: boolean;
  /** It is known that frames up to this one exist. */
  end: number;
  readonly held: Map<number, Frame>;
  heldBytes: number;
  /** When it began to wait. */
  since: number;
}

/** Restores the order of what arrives. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #sequences = new Map<string, Sequence>();
  readonly #waiting = new Set<Sequence>();
  #cancel: (() => void) | undefined;

  /** @param options What it needs. */
  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /**
   * Takes a frame as it arrives.
   *
   * @param source Who sent it, in which session.
   */
  take(source: string, topic: string, frame: Frame): void {
    const sequence = this.#of(source, topic);
    const { seq } = frame;
    if (seq < sequence.next || sequence.held.has(seq)) return;
    if (!sequence.begun) {
      sequence.begun = true;
      sequence.next = seq;
    }
    sequence.end = Math.max(sequence.end, seq + 1);
    if (seq === sequence.next) {
      sequence.next++;
      this.#options.deliver(topic, frame);
    } else {
      sequence.held.set(seq, frame);
      sequence.heldBytes += frame.bytes;
    }
    this.#advance(sequence);
    if (sequence.held.size > MAX_HELD_FRAMES || sequence.heldBytes > MAX_HELD_BYTES) this.#giveUp(sequence);
  }

  /**
   * A node says how far it is with its topics: what is missing up to there will be missed.
   *
   * @param source The node, and its session.
   * @param positions The number of the next frame of each topic.
   * @param since Whether it says so for the first time since this node subscribes to them: what it sent before is nobody's loss.
   */
  expect(source: string, positions: Positions, since: boolean): void {
    for (const [topic, position] of Object.entries(positions)) {
      const sequence = this.#of(source, topic);
      if (!sequence.begun) {
        if (!since) continue;
        sequence.begun = true;
        sequence.next = Math.max(sequence.next, position);
      }
      sequence.end = Math.max(sequence.end, position);
      this.#advance(sequence);
    }
  }

  /** This node does not subscribe to a topic any more: what comes until it does again is no gap. */
  leave(topic: string): void {
    for (const sequence of this.#sequences.values()) {
      if (sequence.topic !== topic) continue;
      this.#waiting.delete(sequence);
      sequence.begun = false;
      sequence.held.clear();
      sequence.heldBytes = 0;
    }
  }

  /** Waits for nothing any more. */
  close(): void {
    this.#cancel?.();
    this.#waiting.clear();
    this.#sequences.clear();
  }

  #of(source: string, topic: string): Sequence {
    const key = `${source} ${topic}`;
    let sequence = this.#sequences.get(key);
    if (sequence) {
      this.#sequences.delete(key); // to the end: it was the last to be heard of
    } else {
      sequence = { topic, next: 0, begun: false, end: 0, held: new Map(), heldBytes: 0, since: 0 };
      if (this.#sequences.size >= MAX_SEQUENCES) this.#forgetOldest();
    }
    this.#sequences.set(key, sequence);
    return sequence;
  }

  #forgetOldest(): void {
    for (const [key, sequence] of this.#sequences) {
      this.#waiting.delete(sequence);
      this.#sequences.delete(key);
      return;
    }
  }

  /** Delivers what has its turn, and sees to it that nobody waits for ever for what has not. */
  #advance(sequence: Sequence): void {
    const before = sequence.next;
    for (let frame; (frame = sequence.held.get(sequence.next)) !== undefined;) {
      sequence.held.delete(sequence.next++);
      sequence.heldBytes -= frame.bytes;
      this.#options.deliver(sequence.topic, frame);
    }
    if (!sequence.begun || sequence.next >= sequence.end) {
      this.#waiting.delete(sequence);
      return;
    }
    if (!this.#waiting.has(sequence) || sequence.next > before) sequence.since = this.#options.clock.now();
    this.#waiting.add(sequence);
    this.#cancel ??= this.#options.clock.after(PATIENCE_MS / 4, () => this.#look(), { background: true });
  }

  #look(): void {
    this.#cancel = undefined;
    const now = this.#options.clock.now();
    for (const sequence of this.#waiting) {
      if (now - sequence.since >= PATIENCE_MS) this.#giveUp(sequence);
    }
    if (this.#waiting.size > 0) {
      this.#cancel ??= this.#options.clock.after(PATIENCE_MS / 4, () => this.#look(), { background: true });
    }
  }

  /** What is missing will not come. */
  #giveUp(sequence: Sequence): void {
    const { held, topic } = sequence;
    sequence.next = held.size > 0 ? Math.min(...held.keys()) : sequence.end;
    this.#waiting.delete(sequence);
    this.#options.onGap(topic);
    this.#advance(sequence);
  }
}
