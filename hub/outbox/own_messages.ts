/**
 * The messages that a member of a cohort gets alone: where they are between those of the cohort, and the frame of both.
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

/** If more of a frame's messages are the member's own than one in so many, it is joined from single messages. */
const FEW = 4;

/** The messages of one member, in order. */
export class OwnMessages {
  /** What comes earlier in the cohort's frame has been sent to the member already. */
  readonly from: Place;
  readonly messages: OutgoingMessage[] = [];
  readonly places: Place[] = [];
  /** The total length of the messages, in the codec's units. */
  size = 0;

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
   * Whether they fill a frame, together with the cohort's.
   *
   * @param turn The turn.
   * @param end The end of the cohort's messages.
   */
  fill(turn: Turn, end: Place): boolean {
    const { from, messages, size } = this;
    return turn.isFull(messages.length + end.count - from.count, size + end.size - from.size);
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
    const { from, messages, places } = this;
    const all: OutgoingMessage[] = [];
    let at = from.count;
    for (let i = 0; i < messages.length; i++) {
      while (at < places[i]!.count) all.push(others[at++]!);
      all.push(messages[i]!);
    }
    while (at < others.length) all.push(others[at++]!);
    return all;
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

/** The messages of a cohort, with those of one member between them. */
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
    this.count = own.messages.length + shared.count - own.from.count;
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
    if (own && this.#codec === jsonCodec && own.messages.length * FEW <= this.count) {
      return jsonCodec.join(parts(this.#shared!, own));
    }
    return this.#codec.join(this.messages().map((message) => message.encoded(this.#codec)));
  }
}

/**
 * The text of a frame in parts. What is between two own messages is cut out of the shared frame: to join single messages
 * again costs several times as much.
 */
function parts(shared: Sequence, { from, messages, places }: OwnMessages): Encoded[] {
  const text = shared.frame() as string;
  const found: Encoded[] = [];
  let start = from;
  const cut = (end: Place) => {
    // A bracket or a comma is before each message.
    if (end.count > start.count) found.push(text.slice(start.size + start.count + 1, end.size + end.count));
    start = end;
  };
  for (let i = 0; i < messages.length; i++) {
    cut(places[i]!);
    found.push(messages[i]!.encoded(jsonCodec));
  }
  cut(shared);
  return found;
}
