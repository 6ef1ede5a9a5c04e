/**
 * What one connection is sent: coalesced per turn while the connection keeps up, held within bounds while it does not.
 *
 * @module
 */

import { type Clock, CLOSE_CODES, type Encoded } from "../../contract/mod.ts";
import type { Link } from "../../transports/transport.ts";
import { HoldQueue, type HoldQueueLimits } from "./hold_queue.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { Sequence } from "./sequence.ts";
import type { FrameLimits, Gatherer, SharedGatherer, Turn } from "./turn.ts";

/** How long a connection may be beyond its bounds: a burst that one busy turn brought is not the client's fault. */
const GRACE_MS = 200;
/** In how many waits. */
const GRACE_WAITS = 4;
/** From so much on a wait has ended late: the process was busy all the while. */
const LATE_MS = 20;

/** The bounds of an outbox. */
export interface OutboxLimits extends HoldQueueLimits, FrameLimits {
  /** From so many unsent bytes of the link on, messages are held. */
  readonly highWaterBytes: number;
}

/** What all outboxes share. */
export interface OutboxRules {
  /** The bounds. */
  readonly limits: OutboxLimits;
  /** Where the time of grace comes from. */
  readonly clock: Clock;
}

/** The outbox of a connection. It starts corked: nothing leaves before `uncork`. */
export class Outbox implements Gatherer {
  /** The turn that this connection's transport and codec share. */
  readonly turn: Turn;
  /** The tape that it follows in this turn; kept by the tape. */
  tape: SharedGatherer<Outbox> | undefined;
  readonly #link: Link;
  readonly #rules: OutboxRules;
  /** What waits; absent while nothing does, as for most connections at most times. */
  #held: HoldQueue | undefined;
  #sequence: Sequence | undefined;
  #replying = false;
  /** The only message of this turn so far, while a frame of the client is handled. */
  #reply: OutgoingMessage | undefined;
  #state: "corked" | "open" | "holding" | "closed" = "corked";
  #dropped = 0;
  /** Those who wait for room; absent while nobody does. */
  #roomSeekers: (() => void)[] | undefined;
  #cancelJudging: (() => void) | undefined;
  /** Whether anything left since this was last set to `false`. */
  active = false;

  /**
   * @param link Where to send.
   * @param turn The turn that this connection's transport and codec share.
   * @param rules The bounds; whoever exceeds them, where the policy leaves nothing to drop, is closed on.
   */
  constructor(link: Link, turn: Turn, rules: OutboxRules) {
    this.#link = link;
    this.turn = turn;
    this.#rules = rules;
  }

  /** How many messages are held back because the connection is slow, or not open yet. */
  get held(): number {
    return this.#held?.size ?? 0;
  }

  /** How many messages were conflated away or dropped. */
  get dropped(): number {
    return this.#dropped + (this.#held?.dropped ?? 0);
  }

  /** Whether the link is full: what is sent now is held until it has drained. */
  get congested(): boolean {
    return this.#state === "holding" || this.#state === "corked";
  }

  /** Whether nothing leaves yet: the client is not welcome so far. */
  get corked(): boolean {
    return this.#state === "corked";
  }

  /** Resolves when the link has room again, or the connection is gone. Look at `congested` again: others wait too. */
  room(): Promise<void> {
    if (!this.congested) return Promise.resolve();
    return new Promise((resolve) => (this.#roomSeekers ??= []).push(resolve));
  }

  /**
   * Sends a message: with everything else of this turn, or when the connection has caught up.
   *
   * @param message The message.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded; then nothing has changed.
   */
  push(message: OutgoingMessage): void {
    if (this.#state === "closed") return;
    if (this.tape) this.deviate();
    if (this.#reply) this.#gatherReply();
    this.#gather((this.#sequence ?? this.turn.root).with(message));
  }

  /**
   * Sends a message that goes to nobody else: as `push` does, but what is sent alone while a frame of the client is
   * handled, with nothing else under way in this turn, does not wait for the turn's end.
   *
   * @param message The message.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded; then nothing has changed.
   */
  pushOwn(message: OutgoingMessage): void {
    if (this.#state === "closed") return;
    if (this.tape) this.deviate();
    if (this.#replying && !this.#sequence && !this.#reply) {
      message.encoded(this.turn.codec); // now, where whoever sends it sees the error
      this.#reply = message;
      return;
    }
    if (this.#reply) this.#gatherReply();
    this.#gather((this.#sequence ?? this.turn.root).alone(message));
  }

  /** A frame of the client is about to be handled. */
  beginReply(): void {
    this.#replying = true;
  }

  /** The frame has been handled. */
  endReply(): void {
    this.#replying = false;
    const reply = this.#reply;
    if (!reply) return;
    if (this.#state !== "open" || this.turn.gathers) return this.#gatherReply();
    this.#reply = undefined;
    const { codec } = this.turn;
    this.#sendOn(codec.join([reply.encoded(codec)]));
  }

  /** Whether it has been sent something in this turn. */
  get busy(): boolean {
    return this.#sequence !== undefined || this.tape !== undefined || this.#reply !== undefined;
  }

  /** Stops following its tape: from here on it has a sequence of its own. */
  deviate(): void {
    const { tape } = this;
    if (!tape) return;
    this.tape = undefined;
    this.#sequence = tape.leave(this);
    this.turn.gather(this);
  }

  /** Sends what was gathered in this turn. */
  flush(): void {
    this.deviate();
    if (this.#reply) this.#gatherReply();
    const sequence = this.#sequence;
    this.#sequence = undefined;
    if (sequence && sequence.count > 0) this.emit(sequence);
  }

  /**
   * Lets what was held leave, and from now on everything at once.
   *
   * @param first What goes before it all.
   */
  uncork(first: OutgoingMessage): void {
    if (this.#state !== "corked") return;
    this.#state = "holding";
    const { codec } = this.turn;
    this.#send(codec.join([first.encoded(codec)]));
    this.drained();
  }

  /** The link has room again. */
  drained(): void {
    if (this.#state !== "open" && this.#state !== "holding") return;
    const { maxFrameMessages, maxFrameLength, highWaterBytes } = this.#rules.limits;
    const held = this.#held;
    while (held && held.size > 0) {
      if (this.#link.bufferedAmount >= highWaterBytes) return;
      this.#send(held.shift(maxFrameMessages, maxFrameLength)!);
    }
    this.#state = "open";
    this.#release();
    this.#tellRoom();
  }

  /** Forgets everything; nothing is sent any more. */
  close(): void {
    this.#state = "closed";
    this.deviate();
    this.#reply = undefined;
    this.#sequence = undefined;
    this.#cancelJudging?.();
    this.#release();
    this.#tellRoom();
  }

  /** Whether nothing is sent any more: the link is gone, or its close was decided. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  /** Closes the link, whatever waits. */
  shut(code: number, reason: string): void {
    this.close();
    this.#link.close(code, reason);
  }

  /** Sends a sequence now, or holds it while the connection is slow. */
  emit(sequence: Sequence): void {
    if (this.#state === "open") this.#sendOn(sequence.frame());
    else if (this.#state !== "closed") this.#hold(sequence);
  }

  #gatherReply(): void {
    const reply = this.#reply!;
    this.#reply = undefined;
    this.#gather((this.#sequence ?? this.turn.root).alone(reply));
  }

  #gather(sequence: Sequence): void {
    if (!this.#sequence) this.turn.gather(this);
    if (this.turn.isFull(sequence.count, sequence.size)) {
      this.#sequence = this.turn.root;
      this.emit(sequence);
    } else this.#sequence = sequence;
  }

  #sendOn(frame: Encoded): void {
    this.#send(frame);
    if (this.#link.bufferedAmount < this.#rules.limits.highWaterBytes) return;
    if (this.#state === "open") this.#state = "holding";
  }

  #tellRoom(): void {
    const seekers = this.#roomSeekers;
    this.#roomSeekers = undefined;
    for (const resolve of seekers ?? []) resolve();
  }

  #release(): void {
    this.#dropped += this.#held?.dropped ?? 0;
    this.#held = undefined;
  }

  #send(frame: Encoded): void {
    this.active = true;
    this.#link.send(frame);
  }

  /** Holds messages; a queue beyond its bounds is judged when the link has had its chance to drain. */
  #hold(sequence: Sequence): void {
    const held = this.#held ??= new HoldQueue(this.turn.codec, this.#rules.limits);
    held.add(sequence);
    if (!held.exceeded) return;
    if (held.flooded) return this.#judge();
    if (!this.#cancelJudging) this.#judgeAfter(GRACE_WAITS);
  }

  /** Waits, then judges. A wait that ends late does not count: the process was too busy to send anything. */
  #judgeAfter(waits: number): void {
    const { clock } = this.#rules;
    const due = clock.now() + GRACE_MS / GRACE_WAITS;
    this.#cancelJudging = clock.after(GRACE_MS / GRACE_WAITS, () => {
      this.#cancelJudging = undefined;
      const left = clock.now() - due > LATE_MS ? waits : waits - 1;
      this.drained();
      if (left === 0) this.#judge();
      else if (this.#held?.exceeded) this.#judgeAfter(left);
    });
  }

  #judge(): void {
    if (this.#state === "closed" || !this.#held || this.#held.enforce()) return;
    this.shut(CLOSE_CODES.SLOW_CONSUMER, "The client reads more slowly than the hub sends");
  }
}
