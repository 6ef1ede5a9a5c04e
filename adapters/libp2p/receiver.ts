/**
 * Delivers each frame once, in the order in which its node sent it. Reports frames that do not arrive as a gap.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import type { Positions } from "./control.ts";
import type { Frame } from "./frame.ts";

/**
 * How long to wait for a missing frame when later frames have arrived, in milliseconds. Gossipsub tells others once a
 * second which messages it has, so that a node can ask for missed messages.
 */
const PATIENCE_MS = 2_500;
/** How much data may wait for a missing frame, for each sender and topic. */
const MAX_HELD_BYTES = 8 * 1024 * 1024;
const MAX_HELD_FRAMES = 1_024;
/** How many sessions are remembered. The session that was quiet for longest goes first. */
const MAX_SOURCES = 1_000;
/**
 * How many sessions are remembered of one node, so that a node with invented sessions cannot push out other nodes. One
 * is enough; two while a node restarts.
 */
const MAX_SESSIONS = 4;
/** How often to check for frames that are missing for too long. */
const LOOK_MS = PATIENCE_MS / 5;
/** If a check runs later than this, the process was busy. A missing frame may have arrived without being read yet. */
const MAX_LAG_MS = 100;

/** Options of {@linkcode Receiver}. */
export interface ReceiverOptions {
  readonly clock: Clock;
  /** Takes a frame, in order. */
  deliver(topic: string, frame: Frame): void;
  /** Frames of a topic are lost. */
  onGap(topic: string): void;
}

/** One session of another node. */
interface Source {
  /** When its last frame arrived. */
  lastFrame: number;
  readonly sequences: Map<string, Sequence>;
}

/** The frames of one session on one topic. */
interface Sequence {
  readonly source: Source;
  readonly topic: string;
  /** The number of the next frame. Frames with lower numbers have arrived, or are given up. */
  next: number;
  /** Whether `next` is known. If not, the first frame that arrives sets it. */
  begun: boolean;
  /** Frames below this number are known to exist. */
  end: number;
  readonly held: Map<number, Frame>;
  heldBytes: number;
  /** When the wait for the missing frame started. */
  since: number;
}

/** Restores the order of frames. */
export class Receiver {
  readonly #options: ReceiverOptions;
  readonly #sources = new Map<string, Source>();
  readonly #waiting = new Set<Sequence>();
  #cancel: (() => void) | undefined;

  /** @param options The options. */
  constructor(options: ReceiverOptions) {
    this.#options = options;
  }

  /**
   * Takes a frame as it arrives.
   *
   * @param source The sender's id, a space, and its session.
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
   * A node has sent its positions. Frames below them exist, so they are missing if they have not arrived.
   *
   * @param source The node's id, a space, and its session.
   * @param positions The number of the next frame of each topic.
   * @param since Whether these are the first positions since this node subscribed to the topics. Earlier frames are
   * then no gap.
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

  /** This node no longer subscribes to a topic. Frames until the next subscription are no gap. */
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

  /** Stops waiting for frames. */
  close(): void {
    this.#cancel?.();
    this.#waiting.clear();
    this.#sources.clear();
  }

  #of(id: string, topic: string): Sequence {
    let source = this.#sources.get(id);
    if (source) this.#sources.delete(id); // to the end: it was heard from last
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

  /** If there are too many sessions, forgets the one that was quiet for longest. */
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

  /** Delivers the frames that are next. If a frame is missing, starts the wait for it. */
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
      // With no later frame here, the missing frame may still be on its way. So any frame of its sender extends the
      // wait.
      const { since, held, source } = sequence;
      const from = held.size > 0 ? since : Math.max(since, source.lastFrame);
      if (now - from >= PATIENCE_MS) this.#giveUp(sequence);
    }
  }

  /** Gives up the missing frames. */
  #giveUp(sequence: Sequence): void {
    const { held, topic } = sequence;
    sequence.next = held.size > 0 ? Math.min(...held.keys()) : sequence.end;
    this.#waiting.delete(sequence);
    this.#options.onGap(topic);
    this.#advance(sequence);
  }
}
