/**
 * What a group is sent in one turn, as one sequence for all of its members. A publish to ten thousand connections
 * costs as much as one to ten, as long as they are sent nothing else in that turn: whoever is, deviates, and from then
 * on until the end of the turn has a sequence of its own.
 *
 * @module
 */

import type { Outbox } from "./outbox.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { Sequence } from "./sequence.ts";
import type { Gatherer, SharedGatherer, Turn } from "./turn.ts";

/** Whoever has an outbox. */
interface TapeMember {
  readonly outbox: Outbox;
}

/** The tape of a group's members that share a turn. */
export class Tape<M extends TapeMember> implements Gatherer, SharedGatherer<Outbox> {
  /** The turn that the members share. */
  readonly turn: Turn;
  readonly #members = new Set<M>();
  /** Members with a sequence of their own in this turn. */
  readonly #deviating = new Set<Outbox>();
  /** What was sent in this turn; absent when nothing was. It is followed by the run. */
  #sequence: Sequence | undefined;
  /** What came since somebody last asked for the sequence, and how long it is in the codec's units. */
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

  /** Takes a member in; it is sent what comes from here on. */
  add(member: M): void {
    this.#members.add(member);
    if (this.#sequence) this.#deviating.add(member.outbox);
  }

  /** Lets a member go; what it was sent before still leaves. Tells whether it was in. */
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
   * @param except Not to this one.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded; then nothing has changed.
   */
  push(message: OutgoingMessage, except?: Outbox): void {
    const { length } = message.encoded(this.turn.codec); // first: what cannot be encoded changes nothing
    this.#sequence ??= this.#begin();
    if (except?.tape === this) except.deviate();
    for (const outbox of this.#deviating) if (outbox !== except) outbox.push(message);
    const { count, size } = this.#sequence; // not before: a deviating one asks for it
    this.#runSize += length;
    if (this.turn.isFull(count + this.#run.push(message), size + this.#runSize)) this.#emit();
  }

  /** A member goes its own way; tells what it was sent in this turn. */
  leave(outbox: Outbox): Sequence {
    this.#deviating.add(outbox);
    return this.#gathered();
  }

  /** Sends what was gathered in this turn. */
  flush(): void {
    const sequence = this.#gathered();
    this.#sequence = undefined;
    this.#deviating.clear();
    // One walk for both: in a large group the members are not in the processor's cache.
    for (const { outbox } of this.#members) {
      if (outbox.tape !== this) continue;
      outbox.tape = undefined;
      if (sequence.count > 0) outbox.emit(sequence);
    }
  }

  /** The first message of a turn: whoever has been sent nothing yet follows the tape. */
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
