/**
 * What the BroadcastChannel adapter sends, and how fast.
 *
 * Deno keeps 256 messages for a thread that does not read, for all BroadcastChannels of the process together. It drops
 * the oldest of further messages without a notice, so a burst of a few hundred loses most of them. For this reason, all
 * messages of one turn go out as one frame, and receivers acknowledge some of the frames. A publisher without
 * acknowledgements slows down, and its frames get larger.
 *
 * @module
 */

import type { AdapterData } from "../adapter.ts";
import type { Clock } from "../../contract/clock.ts";

/** Channel, message, channel, message, and so on. */
export type Entries = readonly (string | AdapterData)[];

/** How many frames the slowest peer may be behind before the publisher slows down. */
const WINDOW = 16;
/**
 * After this many frames or bytes, a frame asks for an acknowledgement. This is half a window, so that no frame waits for
 * it.
 */
const ASK_EVERY_FRAMES = 8;
const ASK_EVERY_BYTES = 64 * 1024;
/** How often a waiting publisher still sends a frame, times the number of peers, because all share the 256 messages. */
const PACE_MS = 25;
/**
 * A peer that has acknowledged nothing for this long has ended, or is blocked. Paced frames of 2 s fit into the 256
 * messages.
 */
const FORGET_MS = 2_000;

/** The options of {@linkcode Flow}. */
export interface FlowOptions {
  /** The source of time. */
  readonly clock: Clock;
  /** How many bytes may wait for peers. */
  readonly maxPendingBytes: number;
  /**
   * Sends a frame. Never throws.
   *
   * @param seq The number of the frame, from 1.
   * @param ask Whether receivers have to acknowledge it.
   * @param entries The messages in it.
   */
  post(seq: number, ask: boolean, entries: Entries): void;
  /**
   * Called when the publisher stops waiting for a peer.
   *
   * @param peer Its node id.
   * @param silentMs How long it has not answered.
   */
  onForget(peer: string, silentMs: number): void;
}

/** The sending half of the BroadcastChannel adapter. */
export class Flow {
  readonly #options: FlowOptions;
  /** The last frame that each peer acknowledged. */
  readonly #peers: Map<string, number> = new Map();
  /** Frames that asked and have a missing acknowledgement, each with the bytes sent since the one before. */
  #asked: { seq: number; at: number; bytes: number }[] = [];
  #pending: (string | AdapterData)[] = [];
  #pendingBytes = 0;
  /** Bytes of the frames after the last one that asked. */
  #unaskedBytes = 0;
  #askedBytes = 0;
  #lastAsked = 0;
  #seq = 0;
  #scheduled = false;
  #cancelTimer: (() => void) | undefined;

  constructor(options: FlowOptions) {
    this.#options = options;
  }

  /** The number of the last frame that was sent. */
  get seq(): number {
    return this.#seq;
  }

  /**
   * Queues a message for the end of this turn.
   *
   * @param channel The channel.
   * @param data The message. The caller must not change it any more.
   * @returns Whether there was room for it.
   */
  add(channel: string, data: AdapterData): boolean {
    const bytes = channel.length + data.length;
    if (!this.#hasRoom(bytes)) this.#forgetSilent();
    if (!this.#hasRoom(bytes)) return false;
    this.#pending.push(channel, data);
    this.#pendingBytes += bytes;
    if (!this.#scheduled) {
      this.#scheduled = true;
      queueMicrotask(() => this.#flush());
    }
    return true;
  }

  /** A peer has joined, and has seen nothing yet. */
  join(peer: string): void {
    if (!this.#peers.has(peer)) this.#peers.set(peer, this.#seq);
  }

  /** A peer has left, so the publisher does not wait for it. */
  leave(peer: string): void {
    if (this.#peers.delete(peer)) this.#release();
  }

  /** A peer has everything up to this frame. */
  acknowledge(peer: string, seq: number): void {
    this.#peers.set(peer, Math.max(seq, this.#peers.get(peer) ?? 0));
    this.#release();
  }

  /** Sends all pending messages, even if peers are behind, and stops. */
  close(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#send();
    this.#peers.clear();
  }

  #hasRoom(bytes: number): boolean {
    const held = this.#pendingBytes + this.#askedBytes;
    return held === 0 || held + bytes <= this.#options.maxPendingBytes;
  }

  #slowest(): number {
    let slowest = this.#seq;
    for (const acknowledged of this.#peers.values()) slowest = Math.min(slowest, acknowledged);
    return slowest;
  }

  #flush(): void {
    this.#scheduled = false;
    if (this.#pending.length === 0) return;
    if (this.#seq - this.#slowest() < WINDOW) return this.#send();
    this.#cancelTimer ??= this.#options.clock.after(PACE_MS * this.#peers.size, () => {
      this.#cancelTimer = undefined;
      this.#forgetSilent();
      this.#send();
    });
  }

  #send(): void {
    if (this.#pending.length === 0) return;
    const entries = this.#pending;
    const seq = ++this.#seq;
    this.#unaskedBytes += this.#pendingBytes;
    this.#pending = [];
    this.#pendingBytes = 0;
    const ask = seq - this.#lastAsked >= ASK_EVERY_FRAMES || this.#unaskedBytes >= ASK_EVERY_BYTES;
    if (ask) this.#expectAcknowledgement(seq);
    this.#options.post(seq, ask, entries);
  }

  #expectAcknowledgement(seq: number): void {
    this.#lastAsked = seq;
    if (this.#peers.size > 0) {
      this.#asked.push({ seq, at: this.#options.clock.now(), bytes: this.#unaskedBytes });
      this.#askedBytes += this.#unaskedBytes;
    }
    this.#unaskedBytes = 0;
  }

  /** Runs after a peer has moved on or left: frees frames that all peers have, and sends waiting messages. */
  #release(): void {
    const slowest = this.#slowest();
    while (this.#asked.length > 0 && this.#asked[0].seq <= slowest) {
      this.#askedBytes -= this.#asked.shift()!.bytes;
    }
    if (this.#seq - slowest >= WINDOW) return;
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (!this.#scheduled) this.#flush();
  }

  #forgetSilent(): void {
    const now = this.#options.clock.now();
    for (const [peer, acknowledged] of [...this.#peers]) {
      const missed = this.#asked.find(({ seq }) => seq > acknowledged);
      if (!missed || now - missed.at < FORGET_MS) continue;
      this.leave(peer);
      this.#options.onForget(peer, FORGET_MS);
    }
  }
}
