/**
 * The outbox of one connection. While the connection keeps up, the messages of a turn are sent together. While it is
 * slow, messages wait in a queue with limits.
 *
 * @module
 */

import { CLOSE_CODES, type Encoded } from "../../contract/mod.ts";
import type { Link } from "../../transports/transport.ts";
import type { Cohort, CohortMember } from "./cohort.ts";
import { type Congested, Congestion } from "./congestion.ts";
import type { OutboxRules } from "./outbox_rules.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import { OwnMessages, START } from "./own_messages.ts";
import type { Sendable, Sequence } from "./sequence.ts";
import type { Gatherer, Turn } from "./turn.ts";

/** With more messages, the first frame could become too long, so they are counted like all others. */
const MAX_REPLIES = 32;

/** The outbox of a connection. It starts corked: it sends nothing before `uncork`. It has few fields, to save memory. */
export class Outbox implements Gatherer, CohortMember, Congested {
  /** The turn that this connection's transport and codec share. */
  readonly turn: Turn;
  /** The cohort that it is in; the cohort sets it. */
  cohort: Cohort | undefined;
  own: OwnMessages | undefined;
  readonly #link: Link;
  readonly #rules: OutboxRules;
  /** The messages that wait; absent if there was never a reason to keep count of them. */
  #congestion: Congestion | undefined;
  #sequence: Sequence | undefined;
  #replying = false;
  /**
   * The only message of this turn so far, while a frame of the client is handled; or the first message of all, and the
   * answers to what the client asked in its hello.
   */
  #reply: OutgoingMessage | OutgoingMessage[] | undefined;
  #state: "corked" | "open" | "holding" | "closed" = "corked";
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
    return this.#congestion?.size ?? 0;
  }

  /** How many messages were conflated away or dropped. */
  get dropped(): number {
    return this.#congestion?.dropped ?? 0;
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
    return this.#congested().room();
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
    const reply = this.#reply;
    if (Array.isArray(reply) && this.#hasRoom(reply, message)) {
      reply.push(message);
      return;
    }
    if (this.#replying && !this.busy) {
      this.#reply = message;
      return;
    }
    if (reply) this.#gatherReply();
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
    const several = Array.isArray(reply);
    if (this.#state !== "open" || (this.turn.gathers && !several)) return this.#gatherReply();
    this.#reply = undefined;
    const { codec } = this.turn;
    try {
      const encoded = several ? reply.map((one) => one.encoded(codec)) : [reply.encoded(codec)];
      this.#sendOn(codec.join(encoded));
    } catch (error) {
      this.#fail(error);
    }
  }

  /** Whether a message was pushed in this turn. */
  get busy(): boolean {
    return this.cohort !== undefined || this.own !== undefined || this.#sequence !== undefined ||
      this.#reply !== undefined;
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
   * @param answers Whether answers to the hello follow at once, and then a call of `endReply`. If nothing waits yet,
   * `first` waits for that call, and shares its frame with them.
   */
  uncork(first: OutgoingMessage, answers = false): void {
    if (this.#state !== "corked") return;
    const { codec } = this.turn;
    try {
      const encoded = first.encoded(codec);
      if (answers && !this.busy && this.held === 0) {
        this.#state = "open";
        this.#replying = true;
        this.#reply = [first];
        return;
      }
      this.#state = "holding";
      this.#send(codec.join([encoded]));
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
    this.#decongest();
  }

  /** Whether the outbox is closed: the link has ended, or the hub has decided to close it. */
  get closed(): boolean {
    return this.#state === "closed";
  }

  overflowed(): void {
    this.shut(CLOSE_CODES.SLOW_CONSUMER, "The client reads more slowly than the hub sends");
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
      else if (this.#state !== "closed") this.#congested().hold(sequence);
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

  /** Whether a message fits into the first frame. A client with many answers gets the others as all messages are sent. */
  #hasRoom(reply: readonly OutgoingMessage[], message: OutgoingMessage): boolean {
    const { codec } = this.turn;
    let size = message.encoded(codec).length;
    for (const one of reply) size += one.encoded(codec).length;
    return reply.length < MAX_REPLIES && !this.turn.isFull(reply.length + 1, size);
  }

  #gatherReply(): void {
    const reply = this.#reply!;
    this.#reply = undefined;
    if (!Array.isArray(reply)) return this.#gatherOwn(reply);
    for (const message of reply) this.#gatherOwn(message);
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

  #congested(): Congestion {
    return this.#congestion ??= new Congestion(this, this.turn.codec, this.#rules);
  }

  /** No message waits any more. Only the count of dropped messages is worth keeping. */
  #decongest(): void {
    const congestion = this.#congestion;
    if (congestion?.dropped === 0) this.#congestion = undefined;
    congestion?.clear();
  }

  #sendHeld(): void {
    if (this.#state !== "open" && this.#state !== "holding") return;
    while (this.held > 0) {
      if (this.#link.bufferedAmount >= this.#rules.limits.highWaterBytes) return;
      this.#send(this.#congestion!.shift()!);
      if (this.closed) return;
    }
    this.#state = "open";
    this.#decongest();
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
}
