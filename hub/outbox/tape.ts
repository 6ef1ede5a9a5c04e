/**
 * The messages to a group in one turn, as one sequence for all members. So a publish to ten thousand connections costs
 * as much as one to ten. A member that gets another message in the turn deviates: it has a sequence of its own until
 * the turn ends.
 *
 * @module
 */

import type { Outbox } from "./outbox.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { Sequence } from "./sequence.ts";
import type { Gatherer, SharedGatherer, Turn } from "./turn.ts";

/** A member with an outbox. */
interface TapeMember {
  readonly outbox: Outbox;
}

/** The tape of the members of a group that share a turn. */
export class Tape<M extends TapeMember> implements Gatherer, SharedGatherer<Outbox> {
  /** The turn that the members share. */
  readonly turn: Turn;
  readonly #members = new Set<M>();
  /** Members with a sequence of their own in this turn. */
  readonly #deviating = new Set<Outbox>();
  /** The messages of this turn, without the run; absent before the first message. */
  #sequence: Sequence | undefined;
  /** The messages after the sequence, and their total length in the codec's units. */
  #run: OutgoingMessage[] = [];
  #runSize = 0;

  /** @param turn The turn that the members share. */
  constructor(turn: Turn) {
    this.turn = turn;
  }

  /** The members. */
  get members(): ReadonlySet<M> {
    return this.#members;
  }

  /** Adds a member. It gets the messages from now on. */
  add(member: M): void {
    this.#members.add(member);
    if (this.#sequence) this.#deviating.add(member.outbox);
  }

  /** Removes a member. Earlier messages are still sent to it. Returns whether it was a member. */
  delete(member: M): boolean {
    if (!this.#members.delete(member)) return false;
    const { outbox } = member;
    if (outbox.tape === this) outbox.deviate();
    this.#deviating.delete(outbox);
    return true;
  }

  /**
   * Sends a message to all members.
   *
   * @param message The message.
   * @param except The outbox that does not get it.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded; then nothing has changed.
   */
  push(message: OutgoingMessage, except?: Outbox): void {
    const { length } = message.encoded(this.turn.codec); // first, so that an error changes nothing
    this.#sequence ??= this.#begin();
    if (except?.tape === this) except.deviate();
    for (const outbox of this.#deviating) if (outbox !== except) outbox.push(message);
    const { count, size } = this.#sequence; // only now: a deviating outbox may have changed it
    this.#runSize += length;
    if (this.turn.isFull(count + this.#run.push(message), size + this.#runSize)) this.#emit();
  }

  /** A member deviates. Returns its messages of this turn. */
  leave(outbox: Outbox): Sequence {
    this.#deviating.add(outbox);
    return this.#gathered();
  }

  /** Sends the messages of this turn. */
  flush(): void {
    const sequence = this.#gathered();
    this.#sequence = undefined;
    this.#deviating.clear();
    // One loop for both steps: in a large group, the members are not in the processor's cache.
    for (const { outbox } of this.#members) {
      if (outbox.tape !== this) continue;
      outbox.tape = undefined;
      if (sequence.count > 0) outbox.emit(sequence);
    }
  }

  /** The first message of a turn: members without other messages in this turn follow the tape. */
  #begin(): Sequence {
    for (const { outbox } of this.#members) {
      if (outbox.busy) this.#deviating.add(outbox);
      else outbox.tape = this;
    }
    this.turn.gather(this);
    return this.turn.root;
  }

  /** The sequence, with the run. */
  #gathered(): Sequence {
    const sequence = this.#sequence ?? this.turn.root;
    if (this.#run.length === 0) return sequence;
    const run = this.#run;
    this.#run = [];
    this.#runSize = 0;
    return this.#sequence = sequence.followedBy(run);
  }

  #emit(): void {
    const sequence = this.#gathered();
    this.#sequence = this.turn.root;
    if (sequence.count === 0) return;
    for (const { outbox } of this.#members) if (outbox.tape === this) outbox.emit(sequence);
  }
}
