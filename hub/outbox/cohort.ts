/**
 * Connections that have got the same messages in this turn. A message for all of them is added once, and they share
 * their frames. When only some get a message, these leave together, as a cohort of their own.
 *
 * @module
 */

import type { OutgoingMessage } from "./outgoing_message.ts";
import { OwnMessages, type Place, split } from "./own_messages.ts";
import type { Sendable, Sequence } from "./sequence.ts";
import type { Gatherer, Turn } from "./turn.ts";

/** What can be in a cohort: an outbox. */
export interface CohortMember {
  /** The cohort that it is in; the cohort sets it. */
  cohort: Cohort | undefined;
  /** The messages that it alone gets or does not get, between those of the cohort; the cohort sets it. */
  own: OwnMessages | undefined;
  /** Gives away the messages that it has got in no cohort. They are sent from the cohort that takes it next. */
  giveSequence(): Sequence;
  /** Sends a sequence. Does not throw. */
  emit(sequence: Sendable): void;
}

/** Members with the same messages, until the turn ends. */
export class Cohort implements Gatherer {
  /** How many members it has. */
  size = 0;
  /** When it last lost members; see {@linkcode Turn.moment}. */
  changed = 0;
  /** When it was made; see {@linkcode Turn.moment}. */
  readonly moment: number;
  /** How many of its members a search has met. Only the search uses it. */
  met = 0;
  /** Where the members go that a search has met. Only the search uses it. */
  heir: Cohort | undefined;
  readonly #turn: Turn;
  /** The members, and those that are no longer in it. */
  #members: CohortMember[] = [];
  /** The cohorts that parted from it, in their order. */
  #parted: Cohort[] | undefined;
  /** The members that left it to be in no cohort, in their order, and when. */
  #left: { readonly member: CohortMember; readonly moment: number }[] | undefined;
  /** The messages of this turn, without the run. */
  #sequence: Sequence;
  /** The messages after the sequence. */
  #run: OutgoingMessage[] = [];
  /** The number of all messages, and their total length in the codec's units. */
  #count: number;
  #size: number;
  /**
   * The limits of a frame, less the room that it leaves to the members' own messages: as much as one of them needs.
   * Without this room, almost each of them would get two frames for one of the cohort.
   */
  #maxCount: number;
  #maxSize: number;
  /** Whether it has sent a frame. From then on it may well have the same messages as cohorts that it parted from. */
  #hasSent = false;

  /**
   * @param turn The turn that the members share.
   * @param sequence The messages that they have got.
   */
  constructor(turn: Turn, sequence: Sequence) {
    this.#turn = turn;
    this.#sequence = sequence;
    this.#count = sequence.count;
    this.#size = sequence.size;
    this.#maxCount = turn.limits.maxFrameMessages;
    this.#maxSize = turn.limits.maxFrameLength;
    this.moment = turn.moment;
    turn.gather(this);
  }

  /** Adds a member that has got the same messages and is in no cohort. */
  take(member: CohortMember): void {
    member.cohort = this;
    this.#members.push(member);
    this.size++;
    if (member.own) this.#spare(member.own);
  }

  /** Moves a member to a cohort that has parted from this one. */
  hand(member: CohortMember, to: Cohort): void {
    this.size--;
    to.take(member);
  }

  /** A new cohort with the same messages, still without members. */
  part(): Cohort {
    this.changed = ++this.#turn.moment;
    const cohort = new Cohort(this.#turn, this.#gathered());
    (this.#parted ??= []).push(cohort);
    return cohort;
  }

  /** A member leaves, to be in no cohort. Returns its messages. */
  leave(member: CohortMember): Sequence {
    this.changed = ++this.#turn.moment;
    this.size--;
    member.cohort = undefined;
    (this.#left ??= []).push({ member, moment: this.changed });
    const sequence = this.#gathered();
    const { own } = member;
    if (!own) return sequence;
    member.own = undefined;
    for (const part of split(this.#turn, own.among(sequence))) {
      if (!this.#turn.isFull(part.count, part.size)) return part; // the last one
      member.emit(part);
    }
    return this.#turn.root;
  }

  /**
   * Tells where its members have gone.
   *
   * @param since After this moment.
   * @param cohorts Gets the cohorts that parted from it.
   * @param single Gets the members that left it to be in no cohort.
   */
  follow(since: number, cohorts: Cohort[], single: (member: CohortMember) => void): void {
    const parted = this.#parted ?? NONE;
    for (let i = firstAfter(parted, since); i < parted.length; i++) cohorts.push(parted[i]!);
    const left = this.#left ?? NONE;
    for (let i = firstAfter(left, since); i < left.length; i++) single(left[i]!.member);
  }

  /**
   * Adds a message.
   *
   * @param message The message.
   * @param length Its encoded length, in the codec's units.
   */
  add(message: OutgoingMessage, length: number): void {
    this.#run.push(message);
    this.#count++;
    this.#size += length;
    this.#emitIfFull();
  }

  /**
   * Adds a message that all members get but one. It stays with the others.
   *
   * @param member The member that is left out.
   * @param message The message.
   * @param length Its encoded length, in the codec's units.
   */
  addExcept(member: CohortMember, message: OutgoingMessage, length: number): void {
    if (member.cohort === this) {
      if (this.size === 1) return;
      (member.own ??= new OwnMessages()).leaveOut(length, { count: this.#count, size: this.#size });
    }
    this.add(message, length);
  }

  /**
   * Adds a message that only one member gets. It stays with the others.
   *
   * @param member The member.
   * @param message The message.
   * @param length Its encoded length, in the codec's units.
   */
  insert(member: CohortMember, message: OutgoingMessage, length: number): void {
    const place = { count: this.#count, size: this.#size };
    if (member.own?.fill(this.#turn, place)) {
      this.#emitUpTo(place, member, member.own);
      if (member.cohort !== this) return; // it was too slow for that, and is closed
    }
    const own = member.own ??= new OwnMessages();
    own.add(message, length, place);
    if (own.fill(this.#turn, place)) return this.#emitUpTo(place, member, own);
    this.#spare(own);
    this.#emitIfFull();
  }

  /** The turn ends: sends the messages. */
  endTurn(): void {
    const sequence = this.#gathered();
    // One loop for both steps: in a large cohort, the members are not in the processor's cache.
    for (const member of this.#members) {
      if (member.cohort !== this) continue;
      member.cohort = undefined;
      this.#emitTo(member, sequence);
    }
  }

  /** Leaves room to these messages. Those who have more get further frames. */
  #spare({ count, size }: OwnMessages): void {
    const { limits: { maxFrameMessages, maxFrameLength }, spareMessages, spareLength } = this.#turn;
    this.#maxCount = Math.min(this.#maxCount, maxFrameMessages - Math.min(count, spareMessages));
    this.#maxSize = Math.min(this.#maxSize, maxFrameLength - Math.min(size, spareLength));
  }

  #emitIfFull(): void {
    if (this.#count >= this.#maxCount || this.#size >= this.#maxSize) this.#emit();
  }

  #emit(): void {
    const sequence = this.#gathered();
    this.#sequence = this.#turn.root;
    this.#count = this.#size = 0;
    this.#maxCount = this.#turn.limits.maxFrameMessages;
    this.#maxSize = this.#turn.limits.maxFrameLength;
    this.#hasSent = true;
    // Of many, a few may stay, and get many frames.
    if (this.#members.length > 2 * this.size) {
      this.#members = this.#members.filter(({ cohort }) => cohort === this);
    }
    for (const member of this.#members) if (member.cohort === this) this.#emitTo(member, sequence);
  }

  /** Sends to one member that gets more than the others what it has got so far. */
  #emitUpTo(place: Place, member: CohortMember, own: OwnMessages): void {
    member.own = place.count > 0 ? new OwnMessages(place) : undefined;
    for (const part of own.frames(this.#turn, this.#gathered())) member.emit(part);
  }

  #emitTo(member: CohortMember, sequence: Sequence): void {
    const { own } = member;
    if (own) {
      member.own = undefined;
      for (const part of own.frames(this.#turn, sequence)) member.emit(part);
    } else if (sequence.count > 0) member.emit(sequence);
  }

  /** The sequence, with the run. */
  #gathered(): Sequence {
    if (this.#run.length === 0) return this.#sequence;
    const run = this.#run;
    this.#run = [];
    return this.#sequence = this.#hasSent
      ? this.#sequence.followedByShared(run, this.#size)
      : this.#sequence.followedBy(run, this.#size);
  }
}

const NONE: readonly never[] = [];

/** The index of the first change after a moment. Callers look often, so it is near the end. */
function firstAfter(changes: readonly { readonly moment: number }[], since: number): number {
  let i = changes.length;
  while (i > 0 && changes[i - 1]!.moment > since) i--;
  return i;
}

/**
 * The cohorts of some connections, such that no other connection is in them. Cohorts with other members are parted, and
 * connections without a cohort get one. Looks once or twice at each connection.
 *
 * This is one step of a partition refinement: see R. Paige and R. E. Tarjan, "Three partition refinement algorithms",
 * 1987.
 *
 * @param conns The connections.
 * @param turn The turn that they share.
 */
export function cohortsOf(conns: ReadonlySet<{ readonly outbox: CohortMember }>, turn: Turn): Cohort[] {
  const search = new Search(turn);
  for (const { outbox } of conns) search.meet(outbox);
  if (search.split()) { for (const { outbox } of conns) search.move(outbox); }
  return search.end();
}

/**
 * The same for a list of outboxes. It is apart because both loops are hot, and a loop over one kind of list is faster.
 *
 * @param members The outboxes, each once.
 * @param turn The turn that they share.
 */
export function cohortsOfList(members: readonly CohortMember[], turn: Turn): Cohort[] {
  const search = new Search(turn);
  for (let i = 0; i < members.length; i++) search.meet(members[i]!);
  if (search.split()) { for (let i = 0; i < members.length; i++) search.move(members[i]!); }
  return search.end();
}

/** A search for the cohorts of some connections. */
class Search {
  readonly #turn: Turn;
  readonly #cohorts: Cohort[] = [];
  /** Cohorts that may have other members, too. */
  readonly #mixed: Cohort[] = [];
  /** The messages that the latest new cohort starts with. Those of most connections are the same. */
  #start: Sequence | undefined;
  #latest: Cohort | undefined;
  /** All new cohorts, by the messages that they start with; absent while there is one. */
  #made: Map<Sequence, Cohort> | undefined;

  constructor(turn: Turn) {
    this.#turn = turn;
  }

  /** The first look at a connection. */
  meet(member: CohortMember): void {
    const { cohort } = member;
    if (!cohort) this.#from(member.giveSequence()).take(member);
    else if (cohort.size === 1) this.#cohorts.push(cohort);
    else if (cohort.met++ === 0) this.#mixed.push(cohort);
  }

  /** Parts cohorts with other members. Returns whether the connections need a second look. */
  split(): boolean {
    let isSplit = false;
    for (let i = 0; i < this.#mixed.length; i++) {
      const cohort = this.#mixed[i]!;
      if (cohort.met < cohort.size) {
        cohort.heir = cohort.part();
        isSplit = true;
      }
      cohort.met = 0;
    }
    return isSplit;
  }

  /** The second look at a connection. */
  move(member: CohortMember): void {
    const { cohort } = member;
    if (cohort?.heir) cohort.hand(member, cohort.heir);
  }

  /** The cohorts. */
  end(): Cohort[] {
    const cohorts = this.#cohorts;
    for (let i = 0; i < this.#mixed.length; i++) {
      const cohort = this.#mixed[i]!;
      cohorts.push(cohort.heir ?? cohort);
      cohort.heir = undefined;
    }
    if (this.#made) { for (const cohort of this.#made.values()) cohorts.push(cohort); }
    // too many for one call of push
    else if (this.#latest) cohorts.push(this.#latest);
    return cohorts;
  }

  /** The new cohort that starts with these messages. */
  #from(sequence: Sequence): Cohort {
    if (sequence === this.#start) return this.#latest!;
    if (this.#latest) this.#made ??= new Map([[this.#start!, this.#latest]]);
    this.#start = sequence;
    this.#latest = this.#made?.get(sequence) ?? new Cohort(this.#turn, sequence);
    this.#made?.set(sequence, this.#latest);
    return this.#latest;
  }
}
