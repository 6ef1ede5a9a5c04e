/**
 * Sends the messages for a group. In each turn it finds the cohorts of its members once, and then adds each message to
 * the cohorts. So for connections that have got the same messages, a publish to ten thousand costs as much as one to ten.
 * The other groups that they are in do not matter.
 *
 * @module
 */

import { type Cohort, type CohortMember, cohortsOf, cohortsOfList } from "./cohort.ts";
import type { Outbox } from "./outbox.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { Gatherer, Turn } from "./turn.ts";

/** From this number on, members without a cohort are cheaper with one. */
const MANY = 4;

/** A member with an outbox. */
interface TapeMember {
  readonly outbox: Outbox;
}

/**
 * Sends a message to some connections. Those with the same messages stay together.
 *
 * @param message The message.
 * @param outboxes The outboxes of the connections, each once.
 * @param turn The turn that they share.
 * @param except The outbox that does not get it. If it has the same messages, keep it in the list: so it stays with the
 * others.
 * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded; then nothing has changed.
 */
export function pushToSome(
  message: OutgoingMessage,
  outboxes: readonly Outbox[],
  turn: Turn,
  except?: Outbox,
): void {
  const { length } = message.encoded(turn.codec);
  if (outboxes.length === 1 && outboxes[0] === except) return;
  pushToCohorts(message, length, cohortsOfList(outboxes, turn), except);
}

function pushToCohorts(
  message: OutgoingMessage,
  length: number,
  cohorts: readonly Cohort[],
  except: Outbox | undefined,
): void {
  const apart = except?.cohort;
  for (let i = 0; i < cohorts.length; i++) {
    const cohort = cohorts[i]!;
    if (cohort === apart) cohort.addExcept(except!, message, length);
    else cohort.add(message, length);
  }
}

/** The tape of the members of a group that share a turn. */
export class Tape<M extends TapeMember> implements Gatherer {
  /** The turn that the members share. */
  readonly turn: Turn;
  readonly #members = new Set<M>();
  /** The cohorts of the members in this turn; absent before the first message. No other connection is in them. */
  #cohorts: Cohort[] | undefined;
  /** Up to when it knows where members have gone; see {@linkcode Turn.moment}. */
  #known = 0;
  /** Members that left their cohort, or came in this turn. As soon as they are many, cohorts are found for them too. */
  readonly #single = new Set<Outbox>();
  /** Those who left in this turn and have not come back. */
  readonly #former = new Set<Outbox>();

  /** @param turn The turn that the members share. */
  constructor(turn: Turn) {
    this.turn = turn;
  }

  /** The members. */
  get members(): ReadonlySet<M> {
    return this.#members;
  }

  /** Adds a member. It gets the messages from now on. Returns whether it was none before. */
  add(member: M): boolean {
    const { size } = this.#members;
    if (this.#members.add(member).size === size) return false;
    if (!this.#cohorts) return true;
    this.#single.add(member.outbox);
    this.#former.delete(member.outbox);
    return true;
  }

  /** Removes a member. Earlier messages are still sent to it. Returns whether it was a member. */
  delete(member: M): boolean {
    if (!this.#members.delete(member)) return false;
    if (!this.#cohorts) return true;
    const { outbox } = member;
    outbox.deviate();
    this.#single.delete(outbox);
    this.#former.add(outbox);
    return true;
  }

  /**
   * Sends a message to all members.
   *
   * @param message The message.
   * @param except The outbox that does not get it, whether it is a member's or not.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded; then nothing has changed.
   */
  push(message: OutgoingMessage, except?: Outbox): void {
    const { length } = message.encoded(this.turn.codec); // first, so that an error changes nothing
    if (this.#members.size === 1 && !this.#cohorts) return this.#pushToOne(message, except);
    const cohorts = this.#cohorts ? this.#followed(this.#cohorts) : this.#cohorts = this.#begin();
    pushToCohorts(message, length, cohorts, except);
    if (this.#single.size > 0) {
      for (const outbox of this.#single) if (outbox !== except) outbox.push(message);
    }
  }

  /**
   * Sends a message to some members.
   *
   * @param message The message.
   * @param takes Tells whether a member gets it.
   * @param except The outbox that does not get it all the same.
   * @throws {HubError} `BAD_REQUEST` when the message cannot be encoded; then nothing has changed.
   */
  pushTo(message: OutgoingMessage, takes: (member: M) => boolean, except?: Outbox): void {
    const outboxes: Outbox[] = [];
    for (const member of this.#members) if (takes(member)) outboxes.push(member.outbox);
    if (outboxes.length > 0) pushToSome(message, outboxes, this.turn, except);
  }

  /** The turn ends. */
  endTurn(): void {
    this.#cohorts = undefined;
    if (this.#single.size > 0) this.#single.clear();
    if (this.#former.size > 0) this.#former.clear();
  }

  #pushToOne(message: OutgoingMessage, except: Outbox | undefined): void {
    for (const { outbox } of this.#members) if (outbox !== except) outbox.push(message);
  }

  /** The first message of a turn. */
  #begin(): Cohort[] {
    this.turn.gather(this);
    const cohorts = cohortsOf(this.#members, this.turn);
    this.#known = this.turn.moment;
    return cohorts;
  }

  /** The cohorts, after it has followed the members that went elsewhere. Forgets cohorts without members. */
  #followed(cohorts: Cohort[]): Cohort[] {
    const since = this.#known;
    if (this.turn.moment === since && this.#single.size < MANY) return cohorts;
    let kept = 0;
    for (let i = 0; i < cohorts.length; i++) { // it grows meanwhile
      const cohort = cohorts[i]!;
      if (cohort.changed > since) cohort.follow(since, cohorts, this.#addSingle);
      if (cohort.size > 0) cohorts[kept++] = cohort;
    }
    cohorts.length = kept;
    if (this.#single.size >= MANY) {
      for (const cohort of cohortsOfList([...this.#single], this.turn)) cohorts.push(cohort);
      this.#single.clear();
    }
    this.#known = this.turn.moment;
    return cohorts;
  }

  /** A member is no longer in a cohort. */
  readonly #addSingle = (outbox: CohortMember): void => {
    if (!this.#former.has(outbox as Outbox)) this.#single.add(outbox as Outbox);
  };
}
