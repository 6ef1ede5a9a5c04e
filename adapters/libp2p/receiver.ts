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
/** How many sessions are remembered; those that were quiet for longest go first. */
const MAX_SOURCES = 1_000;
/** And how many of one node: whoever makes up sessions pushes out nobody else's. One is enough, two while a node starts anew. */
const MAX_SESSIONS = 4;
/** How often to look for what has waited too long. */
const LOOK_MS = PATIENCE_MS / 5;
/** A look that comes later than this says that this process was busy: what is missing may be here, and not read yet. */
const MAX_LAG_MS = 100;

/** What {@linkcode Receiver} needs. */
export interface ReceiverOptions {
  readonly clock: Clock;
  /** Takes a frame, in order. */
  deliver(topic: string, frame: Frame): void;
  /** Frames of a topic are lost. */
  onGap(topic: string): void;
}

/** One session of another node. */
interface Source {
  /** When a frame of it came last. */
  lastFrame: number;
  readonly sequences: Map<string, Sequence>;
}

/** What one session sends on one topic. */
interface Sequence {
  readonly source: Source;
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
  readonly #sources = new Map<string, Source>();
  readonly #waiting = new Set<Sequence>();
  #cancel: (() => void) | undefined;

  /** @param options What it needs. */
  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /**
   * Takes a frame as it arrives.
   *
   * @param source Who sent it, a space, and in which session.
   */
  take(source: string, topic: string, frame: Frame): void {
    const sequence = this.#of(source, topic);
    const { seq } = frame;
    sequence.source.lastFrame = this.#options.clock.now();
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
    for (const { sequences } of this.#sources.values()) {
      const sequence = sequences.get(topic);
      if (!sequence) continue;
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
    this.#sources.clear();
  }

  #of(id: string, topic: string): Sequence {
    let source = this.#sources.get(id);
    if (source) this.#sources.delete(id); // to the end: it was the last to be heard of
    else {
      this.#makeRoom(id);
      source = { lastFrame: 0, sequences: new Map() };
    }
    this.#sources.set(id, source);
    let sequence = source.sequences.get(topic);
    if (!sequence) {
      sequence = { source, topic, next: 0, begun: false, end: 0, held: new Map(), heldBytes: 0, since: 0 };
      source.sequences.set(topic, sequence);
    }
    return sequence;
  }

  /** Forgets what was quiet for longest, where there is too much. */
  #makeRoom(id: string): void {
    const node = id.slice(0, id.indexOf(" ") + 1);
    const sessions = [...this.#sources.keys()].filter((other) => other.startsWith(node));
    if (sessions.length >= MAX_SESSIONS) this.#forgetSource(sessions[0]!);
    else if (this.#sources.size >= MAX_SOURCES) this.#forgetSource(this.#sources.keys().next().value!);
  }

  #forgetSource(id: string): void {
    for (const sequence of this.#sources.get(id)!.sequences.values()) this.#waiting.delete(sequence);
    this.#sources.delete(id);
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
    this.#lookLater();
  }

  #lookLater(): void {
    const { clock } = this.#options;
    const due = clock.now() + LOOK_MS;
    this.#cancel ??= clock.after(LOOK_MS, () => {
      this.#cancel = undefined;
      this.#look(clock.now(), clock.now() - due > MAX_LAG_MS);
      if (this.#waiting.size > 0) this.#lookLater();
    }, { background: true });
  }

  #look(now: number, wasBusy: boolean): void {
    for (const sequence of this.#waiting) {
      if (wasBusy) sequence.since = now;
      // What nothing has overtaken may be on its way as long as anything comes of its sender.
      const { since, held, source } = sequence;
      const from = held.size > 0 ? since : Math.max(since, source.lastFrame);
      if (now - from >= PATIENCE_MS) this.#giveUp(sequence);
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
