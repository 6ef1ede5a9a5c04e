/**
 * How the messages of one member of a cohort differ from those of the others: those that it gets alone, those that it is
 * left out of, and its frame.
 *
 * @module
 */

import { type Codec, type Encoded, jsonCodec } from "../../contract/mod.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";
import type { Sendable, Sequence } from "./sequence.ts";
import type { Turn } from "./turn.ts";

/** A place between the messages of a cohort. */
export interface Place {
  /** How many messages of the cohort's frame come before it. */
  readonly count: number;
  /** Their length, in the codec's units. */
  readonly size: number;
}

/** Before all messages of a cohort. */
export const START: Place = { count: 0, size: 0 };

/** A stretch of a cohort's messages that a member does not get. No message of its own is within it. */
interface Gap {
  /** Where it begins. */
  readonly from: Place;
  /** Where it ends. */
  to: Place;
}

const NONE: readonly never[] = [];

/** If a frame differs from the cohort's in more than one place for so many messages, it is joined from single messages. */
const FEW = 4;

/** The messages of one member that the others do not get, and those of the others that it does not get, in order. */
export class OwnMessages {
  /** What comes earlier in the cohort's frame has been sent to the member already. */
  readonly from: Place;
  readonly messages: OutgoingMessage[] = [];
  readonly places: Place[] = [];
  /** How much longer its messages are than those of the others, in the codec's units; less than zero if shorter. */
  size = 0;
  /** The messages of the cohort that it does not get, and how many they are. */
  gaps: readonly Gap[] = NONE;
  leftOut = 0;

  /** @param from What comes earlier in the cohort's frame has been sent to the member already. */
  constructor(from: Place = START) {
    this.from = from;
  }

  /**
   * Adds a message.
   *
   * @param message The message.
   * @param length Its encoded length, in the codec's units.
   * @param place Where it is.
   */
  add(message: OutgoingMessage, length: number, place: Place): void {
    this.messages.push(message);
    this.places.push(place);
    this.size += length;
  }

  /**
   * Leaves the member out of the next message of the cohort.
   *
   * @param length The message's encoded length, in the codec's units.
   * @param place Where the message is.
   */
  leaveOut(length: number, place: Place): void {
    this.leftOut++;
    this.size -= length;
    const to = { count: place.count + 1, size: place.size + length };
    const last = this.gaps.at(-1);
    if (last?.to.count === place.count && this.places.at(-1)?.count !== place.count) last.to = to;
    else if (last) (this.gaps as Gap[]).push({ from: place, to });
    else this.gaps = [{ from: place, to }];
  }

  /** How many messages it gets more than the others; less than zero if it gets fewer. */
  get count(): number {
    return this.messages.length - this.leftOut;
  }

  /**
   * Whether they fill a frame, together with the cohort's.
   *
   * @param turn The turn.
   * @param end The end of the cohort's messages.
   */
  fill(turn: Turn, end: Place): boolean {
    const { from, count, size } = this;
    return turn.isFull(count + end.count - from.count, size + end.size - from.size);
  }

  /**
   * What the member is sent: frames that keep to the limits.
   *
   * @param turn The turn.
   * @param shared The messages of the cohort.
   */
  frames(turn: Turn, shared: Sequence): Sendable[] {
    const woven = new Woven(turn.codec, shared, this);
    if (woven.count === 0) return [];
    // Only a member that gets many messages of its own finds no room for them; see `Cohort.insert`.
    return turn.isFull(woven.count - 1, woven.size - 1) ? split(turn, this.among(shared)) : [woven];
  }

  /** All messages of the member, in order. */
  among(shared: Sequence): OutgoingMessage[] {
    const others = shared.messages();
    const all: OutgoingMessage[] = [];
    this.walk(
      shared,
      (from, to) => {
        for (let at = from.count; at < to.count; at++) all.push(others[at]!);
      },
      (message) => void all.push(message),
    );
    return all;
  }

  /**
   * Goes through all messages of the member, in order.
   *
   * @param end The end of the cohort's messages.
   * @param others Gets each stretch of the cohort's messages.
   * @param own Gets each message of its own.
   */
  walk(end: Place, others: (from: Place, to: Place) => void, own: (message: OutgoingMessage) => void): void {
    const { messages, places, gaps } = this;
    let at = this.from;
    let next = 0;
    for (let i = 0; i <= messages.length; i++) {
      const place = places[i] ?? end;
      for (; next < gaps.length && gaps[next]!.from.count < place.count; next++) {
        const { from, to } = gaps[next]!;
        if (at.count < from.count) others(at, from);
        at = to;
      }
      if (at.count < place.count) others(at, place);
      at = place;
      if (i < messages.length) own(messages[i]!);
    }
  }
}

/**
 * Messages in frames that keep to the limits.
 *
 * @param turn The turn.
 * @param messages The messages.
 */
export function split(turn: Turn, messages: readonly OutgoingMessage[]): Sequence[] {
  const sequences: Sequence[] = [];
  let run: OutgoingMessage[] = [];
  let size = 0;
  for (const message of messages) {
    size += message.encoded(turn.codec).length;
    if (!turn.isFull(run.push(message), size)) continue;
    sequences.push(turn.root.followedBy(run));
    run = [];
    size = 0;
  }
  if (run.length > 0) sequences.push(turn.root.followedBy(run));
  return sequences;
}

/** The messages of a cohort, as one member gets them. */
class Woven implements Sendable {
  readonly count: number;
  /** The total length of the messages, in the codec's units. */
  readonly size: number;
  readonly #codec: Codec;
  #shared: Sequence | undefined;
  #own: OwnMessages | undefined;
  #messages: OutgoingMessage[] | undefined;

  constructor(codec: Codec, shared: Sequence, own: OwnMessages) {
    this.#codec = codec;
    this.#shared = shared;
    this.#own = own;
    this.count = own.count + shared.count - own.from.count;
    this.size = own.size + shared.size - own.from.size;
  }

  get conflates(): boolean {
    return this.messages().some(({ urgency }) => urgency.conflateKey !== undefined);
  }

  get bytes(): number {
    return this.messages().reduce((bytes, message) => bytes + message.size(this.#codec), 0);
  }

  detach(): void {
    this.messages();
    this.#shared = undefined;
    this.#own = undefined;
  }

  messages(): OutgoingMessage[] {
    return this.#messages ??= this.#own!.among(this.#shared!);
  }

  frame(): Encoded {
    const own = this.#own;
    if (own && this.#codec === jsonCodec && (own.messages.length + own.gaps.length) * FEW <= this.count) {
      return jsonCodec.join(parts(this.#shared!, own));
    }
    return this.#codec.join(this.messages().map((message) => message.encoded(this.#codec)));
  }
}

/**
 * The text of a frame in parts. What is between two differences is cut out of the shared frame: to join single messages
 * again costs several times as much.
 */
function parts(shared: Sequence, own: OwnMessages): Encoded[] {
  const text = shared.frame() as string;
  const found: Encoded[] = [];
  own.walk(
    shared,
    // A bracket or a comma is before each message.
    (from, to) => void found.push(text.slice(from.size + from.count + 1, to.size + to.count)),
    (message) => void found.push(message.encoded(jsonCodec)),
  );
  return found;
}
