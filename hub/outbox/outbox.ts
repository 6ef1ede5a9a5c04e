/**
 * The outbox of one connection. While the connection keeps up, the messages of a turn are sent together. While it is
 * slow, messages wait in a queue with limits.
 *
 * @module
 */

import { type Clock, CLOSE_CODES, type Encoded } from "../../contract/mod.ts";
import type { Link } from "../../transports/transport.ts";
import { HoldQueue, type HoldQueueLimits } from "./hold_queue.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import { Cohort, type CohortMember } from "./cohort.ts";
import { OwnMessages, START } from "./own_messages.ts";
import type { Sendable, Sequence } from "./sequence.ts";
import type { FrameLimits, Gatherer, Turn } from "./turn.ts";

/** How long a queue may exceed its limits, in milliseconds: a burst from one busy turn is not the client's fault. */
const GRACE_MS = 200;
/** The number of waits that make up this time. */
const GRACE_WAITS = 4;
/** A wait that ends later than planned by this time, in milliseconds, does not count, because the process was busy. */
const LATE_MS = 20;

/** The limits of an outbox. */
export interface OutboxLimits extends HoldQueueLimits, FrameLimits {
  /** From this many unsent bytes of the link on, messages wait in the queue. */
  readonly highWaterBytes: number;
}

/** The rules that all outboxes share. */
export interface OutboxRules {
  /** The limits. */
  readonly limits: OutboxLimits;
  /** The clock for the time that a queue may exceed its limits. */
  readonly clock: Clock;
  /**
   * A link threw an error. Its connection ends.
   *
   * @param error The error.
   */
  failed?(error: unknown): void;
}

/** The outbox of a connection. It starts corked: it sends nothing before `uncork`. */
export class Outbox implements Gatherer, CohortMember {
  /** The turn that this connection's transport and codec share. */
  readonly turn: Turn;
  /** The cohort that it is in; the cohort sets it. */
  cohort: Cohort | undefined;
  own: OwnMessages | undefined;
  readonly #link: Link;
  readonly #rules: OutboxRules;
  /** The messages that wait; absent while no message waits, as for most connections most of the time. */
  #held: HoldQueue | undefined;
  #sequence: Sequence | undefined;
  #replying = false;
  /** The only message of this turn so far, while a frame of the client is handled. */
  #reply: OutgoingMessage | undefined;
  #state: "corked" | "open" | "holding" | "closed" = "corked";
  #dropped = 0;
  /** The callers that wait for room; absent while no caller waits. */
  #roomSeekers: (() => void)[] | undefined;
  #cancelJudging: (() => void) | undefined;
  /** Whether it has sent a frame since this was last set to `false`. */
  active = false;

  /**
   * @param link Where to send.
   * @param turn The turn that this connection's transport and codec share.
   * @param rules The limits. The connection is closed when it exceeds them and the policy allows no further drop.
   */
  constructor(link: Link, turn: Turn, rules: OutboxRules) {
    this.#link = link;
    this.turn = turn;
    this.#rules = rules;
  }

  /** How many messages wait because the connection is slow, or not open yet. */
  get held(): number {
    return this.#held?.size ?? 0;
  }

  /** How many messages were conflated away or dropped. */
  get dropped(): number {
    return this.#dropped + (this.#held?.dropped ?? 0);
  }

  /** Whether the link is full, or the outbox corked: messages wait now. */
  get congested(): boolean {
    return this.#state === "holding" || this.#state === "corked";
  }

  /** Whether the outbox is corked: the client has not been accepted yet. */
  get corked(): boolean {
    return this.#state === "corked";
  }

  /**
   * Resolves when the link has room again, or the connection has ended. Check `congested` then: other callers wait
   * too.
   */
  room(): Promise<void> {
    if (!this.congested) return Promise.resolve();
    return new Promise((resolve) => (this.#roomSeekers ??= []).push(resolve));
  }

  /**
   * Sends a message together with the other messages of this turn, or later if the connection is slow.
   *
   * @param message The message.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded; then nothing has changed.
   */
  push(message: OutgoingMessage): void {
    if (!this.#takes(message)) return;
    if (this.#reply) this.#gatherReply();
    if (this.cohort?.size === 1) return this.cohort.add(message, message.encoded(this.turn.codec).length);
    this.deviate();
    if (this.own) this.#sequence = this.#takeOwn();
    this.#gather((this.#sequence ?? this.turn.root).with(message));
  }

  /**
   * Sends a message that no other connection gets. It works like `push`, with one exception. While a frame of the
   * client is handled, a pushed message is sent right after that frame, if no other message waits in this turn.
   *
   * @param message The message.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded; then nothing has changed.
   */
  pushOwn(message: OutgoingMessage): void {
    if (!this.#takes(message)) return;
    if (this.#replying && !this.busy) {
      this.#reply = message;
      return;
    }
    if (this.#reply) this.#gatherReply();
    this.#gatherOwn(message);
  }

  /** Call it before a frame of the client is handled. */
  beginReply(): void {
    this.#replying = true;
  }

  /** Call it when the frame has been handled. */
  endReply(): void {
    this.#replying = false;
    const reply = this.#reply;
    if (!reply) return;
    if (this.#state !== "open" || this.turn.gathers) return this.#gatherReply();
    this.#reply = undefined;
    const { codec } = this.turn;
    try {
      this.#sendOn(codec.join([reply.encoded(codec)]));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether a message was pushed in this turn. */
  get busy(): boolean {
    return this.cohort !== undefined || this.own !== undefined || this.#sequence !== undefined ||
      this.#reply !== undefined;
  }

  /** A cohort in which no other connection is. */
  alone(): Cohort {
    const { cohort } = this;
    if (cohort?.size === 1) return cohort;
    const own = cohort?.part() ?? new Cohort(this.turn, this.giveSequence());
    if (cohort) cohort.hand(this, own);
    else own.take(this);
    return own;
  }

  giveSequence(): Sequence {
    if (this.#reply) this.#gatherReply();
    const sequence = this.#sequence ?? this.turn.root;
    this.#sequence = undefined;
    return sequence;
  }

  /** Leaves its cohort: from now on it has a sequence of its own. */
  deviate(): void {
    const { cohort } = this;
    if (!cohort) return;
    this.#sequence = cohort.leave(this);
    this.turn.gather(this);
  }

  /** Sends the messages of this turn now. */
  flush(): void {
    if (this.#reply) this.#gatherReply();
    this.deviate();
    this.endTurn();
  }

  endTurn(): void {
    if (this.cohort) return;
    const sequence = this.own ? this.#takeOwn() : this.#sequence;
    this.#sequence = undefined;
    if (sequence && sequence.count > 0) this.emit(sequence);
  }

  /**
   * Starts to send: `first`, then the waiting messages. Later messages need not wait for `uncork`.
   *
   * @param first The message before all others.
   */
  uncork(first: OutgoingMessage): void {
    if (this.#state !== "corked") return;
    this.#state = "holding";
    const { codec } = this.turn;
    try {
      this.#send(codec.join([first.encoded(codec)]));
      this.#sendHeld();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The link has room again: sends waiting messages. */
  drained(): void {
    try {
      this.#sendHeld();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Drops all messages, and sends no more. */
  close(): void {
    this.#state = "closed";
    this.own = undefined; // first: to put it between the others costs
    this.deviate();
    this.#reply = undefined;
    this.#sequence = undefined;
    this.#cancelJudging?.();
    this.#release();
    this.#tellRoom();
  }

  /** Whether the outbox is closed: the link has ended, or the hub has decided to close it. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  /** Closes the link at once. Waiting messages are dropped. */
  shut(code: number, reason: string): void {
    this.close();
    try {
      this.#link.close(code, reason);
    } catch (error) {
      this.#report(error);
    }
  }

  /** Sends a sequence now, or puts it into the queue while the connection is slow. */
  emit(sequence: Sendable): void {
    try {
      if (this.#state === "open") this.#sendOn(sequence.frame());
      else if (this.#state !== "closed") this.#hold(sequence);
    } catch (error) {
      this.#fail(error);
    }
  }

  /**
   * Encodes a message, and tells whether it can be sent. It comes first: a getter of the payload may itself send, part
   * and close.
   */
  #takes(message: OutgoingMessage): boolean {
    if (this.closed) return false;
    message.encoded(this.turn.codec);
    return !this.closed;
  }

  #gatherReply(): void {
    const reply = this.#reply!;
    this.#reply = undefined;
    this.#gatherOwn(reply);
  }

  /** Adds a message that no other connection gets. It does not part this connection from those with the same messages. */
  #gatherOwn(message: OutgoingMessage): void {
    const { cohort, turn } = this;
    const { length } = message.encoded(turn.codec);
    if (cohort?.size === 1) cohort.add(message, length);
    else if (cohort) cohort.insert(this, message, length);
    else if (this.#sequence) this.#gather(this.#sequence.alone(message));
    else {
      if (!this.own) turn.gather(this);
      const own = this.own ??= new OwnMessages();
      own.add(message, length, START);
      if (own.fill(turn, START)) this.emit(this.#takeOwn());
    }
  }

  /** Takes the own messages out, while it is in no cohort. */
  #takeOwn(): Sequence {
    const { messages } = this.own!;
    this.own = undefined;
    return this.turn.root.followedBy(messages);
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

  #sendHeld(): void {
    if (this.#state !== "open" && this.#state !== "holding") return;
    const { maxFrameMessages, maxFrameLength, highWaterBytes } = this.#rules.limits;
    const held = this.#held;
    while (held && held.size > 0) {
      if (this.#link.bufferedAmount >= highWaterBytes) return;
      this.#send(held.shift(maxFrameMessages, maxFrameLength)!);
      if (this.closed) return;
    }
    this.#state = "open";
    this.#release();
    this.#tellRoom();
  }

  #send(frame: Encoded): void {
    this.active = true;
    this.#link.send(frame);
  }

  /** A transport or a codec with a bug threw an error. It must not cost the other connections their messages. */
  #fail(error: unknown): void {
    this.#report(error);
    this.close();
    try {
      this.#link.close(CLOSE_CODES.INTERNAL, "The link cannot send");
    } catch {
      // The first error says what is wrong.
    }
  }

  #report(error: unknown): void {
    // Later: it calls the application, which may send and close in the middle of a delivery.
    queueMicrotask(() => this.#rules.failed?.(error));
  }

  /** Puts messages into the queue. If it exceeds its limits, the link first gets time to drain. */
  #hold(sequence: Sendable): void {
    const held = this.#held ??= new HoldQueue(this.turn.codec, this.#rules.limits);
    const wasExceeded = held.exceeded;
    held.add(sequence);
    if (!held.exceeded) return;
    if (held.flooded) return this.#judge();
    if (wasExceeded) return; // it is being judged
    this.#cancelJudging?.(); // for an earlier burst, which the client has read meanwhile
    this.#judgeAfter(GRACE_WAITS);
  }

  /** Waits, then enforces the limits. A wait that ends late does not count: the process was too busy to send. */
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
