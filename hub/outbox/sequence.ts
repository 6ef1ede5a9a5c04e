/**
 * The messages to connections in one turn, as paths in a tree. Connections with the same messages are at the same node
 * of the tree. So they share one joined frame, and no lists need to be compared.
 *
 * @module
 */

import type { Codec, Encoded } from "../../contract/mod.ts";
import type { OutgoingMessage } from "./outgoing_message.ts";

/** Messages in one frame. */
export interface Sendable {
  /** How many messages it has. */
  readonly count: number;
  /** Whether a message in it may be conflated. */
  readonly conflates: boolean;
  /** The total size of the messages in bytes. */
  readonly bytes: number;
  /** Lets go of everything but its messages, because it outlives its turn. */
  detach(): void;
  /** The messages, in order. */
  messages(): OutgoingMessage[];
  /** The frame. */
  frame(): Encoded;
}

/** A node of the tree: the messages of its parent, and a run of further messages. The root has no messages. */
export class Sequence implements Sendable {
  /** How many messages it has. */
  readonly count: number;
  /**
   * The total length of the messages, in the codec's units (UTF-16 units of text, or bytes). Known without measuring.
   */
  readonly size: number;
  readonly #codec: Codec;
  #parent: Sequence | undefined;
  #run: readonly OutgoingMessage[];
  #latest: OutgoingMessage | undefined;
  #latestNext: Sequence | undefined;
  #others: Map<OutgoingMessage, Sequence> | undefined;
  /** The latest sequence with a shared run, by the first message of the run. */
  #shared: Map<OutgoingMessage, Sequence> | undefined;
  #frame: Encoded | undefined;
  #bytes: number | undefined;
  #conflates: boolean | undefined;

  /**
   * @param codec The codec of all frames of this tree.
   * @param parent The sequence before the run; absent for the root.
   * @param run The further messages; empty for the root.
   * @param size The total length of all messages, if the caller knows it.
   */
  constructor(
    codec: Codec,
    parent?: Sequence,
    run: readonly OutgoingMessage[] = [],
    size: number = (parent?.size ?? 0) + lengthOf(run, codec),
  ) {
    this.#codec = codec;
    this.#parent = parent;
    this.#run = run;
    this.count = (parent?.count ?? 0) + run.length;
    this.size = size;
  }

  /** Whether a message in it may be conflated; found out at the first call, because only slow connections ask. */
  get conflates(): boolean {
    return this.#conflates ??= this.messages().some(({ urgency }) => urgency.conflateKey !== undefined);
  }

  /** The sequence with one more message. Callers in a row mostly add the same message, which costs one comparison. */
  with(message: OutgoingMessage): Sequence {
    if (this.#latest === message) return this.#latestNext!;
    let next = this.#others?.get(message);
    if (!next) {
      next = this.alone(message);
      if (this.#isDetached) return next;
      // From the second message on, all are kept: connections with different sequences call in turn.
      if (this.#latest) (this.#others ??= new Map([[this.#latest, this.#latestNext!]])).set(message, next);
    }
    this.#latest = message;
    this.#latestNext = next;
    return next;
  }

  /** The sequence with one more message that is for this connection alone. The result is not shared. */
  alone(message: OutgoingMessage): Sequence {
    return new Sequence(this.#codec, this, [message]);
  }

  /**
   * The sequence with a run of further messages, for connections that share it.
   *
   * @param run The messages.
   * @param size The total length with them, if the caller knows it.
   */
  followedBy(run: readonly OutgoingMessage[], size?: number): Sequence {
    return new Sequence(this.#codec, this, run, size);
  }

  /** The same for connections that do not know of each other, but may well have equal runs. These share the result. */
  followedByShared(run: readonly OutgoingMessage[], size?: number): Sequence {
    const known = this.#shared?.get(run[0]!);
    // The run of a detached sequence is all that it has.
    if (known?.count === this.count + run.length && isSame(known.#run, run)) return known;
    const next = this.followedBy(run, size);
    if (!this.#isDetached) (this.#shared ??= new Map()).set(run[0]!, next);
    return next;
  }

  /**
   * Lets go of the rest of the tree. For a sequence that outlives its turn: a slow connection must keep only its own
   * messages, not those of all others.
   */
  detach(): void {
    if (this.#isDetached) return;
    this.#run = this.messages();
    this.#parent = undefined;
    this.#latest = undefined;
    this.#latestNext = undefined;
    this.#others = undefined;
    this.#shared = undefined;
  }

  get #isDetached(): boolean {
    return this.#parent === undefined && this.count > 0;
  }

  /** The messages, in order. */
  messages(): OutgoingMessage[] {
    const messages = new Array<OutgoingMessage>(this.count);
    // deno-lint-ignore no-this-alias -- the walk from this node to the root starts here
    let node: Sequence = this;
    for (let i = this.count; i > 0; node = node.#parent!) {
      for (let j = node.#run.length; j > 0;) messages[--i] = node.#run[--j]!;
    }
    return messages;
  }

  /** The total size of the messages in bytes; measured at the first call. */
  get bytes(): number {
    if (this.#bytes !== undefined) return this.#bytes;
    let bytes = 0;
    for (const message of this.messages()) bytes += message.size(this.#codec);
    return this.#bytes = bytes;
  }

  /** The frame that carries the sequence; joined at the first call. */
  frame(): Encoded {
    return this.#frame ??= this.#codec.join(this.#encoded());
  }

  /** The encoded messages, in order. It is apart from `messages` because most frames need only these. */
  #encoded(): Encoded[] {
    const codec = this.#codec;
    const all = new Array<Encoded>(this.count);
    // deno-lint-ignore no-this-alias -- the walk from this node to the root starts here
    let node: Sequence = this;
    for (let i = this.count; i > 0; node = node.#parent!) {
      for (let j = node.#run.length; j > 0;) all[--i] = node.#run[--j]!.encoded(codec);
    }
    return all;
  }
}

function lengthOf(run: readonly OutgoingMessage[], codec: Codec): number {
  let length = 0;
  for (const message of run) length += message.encoded(codec).length;
  return length;
}

function isSame(one: readonly OutgoingMessage[], two: readonly OutgoingMessage[]): boolean {
  let i = one.length;
  if (i !== two.length) return false;
  while (i > 0 && one[i - 1] === two[i - 1]) i--;
  return i === 0;
}
