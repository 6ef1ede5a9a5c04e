/**
 * What connections are sent in one turn, as paths in a tree: connections that were sent the same messages stand at
 * the same node, and so share one joined frame without ever being compared.
 *
 * @module
 */

import type { Codec, Encoded } from "../contract/mod.ts";
import type { Outgoing } from "./outgoing.ts";

/** A node of the tree: a sequence of messages. The root stands for none. */
export class Sequence {
  /** How many messages. */
  readonly count: number;
  /** How long they are together, in the codec's units: UTF-16 units of text, or bytes. */
  readonly size: number;
  readonly #codec: Codec;
  readonly #parent: Sequence | undefined;
  readonly #last: Encoded;
  #latest: Outgoing | undefined;
  #latestNext: Sequence | undefined;
  #others: Map<Outgoing, Sequence> | undefined;
  #frame: Encoded | undefined;

  /**
   * @param codec The codec of all frames of this tree.
   * @param parent The sequence before the last message; absent for the root.
   * @param last The last message.
   */
  constructor(codec: Codec, parent?: Sequence, last: Encoded = "") {
    this.#codec = codec;
    this.#parent = parent;
    this.#last = last;
    this.count = parent ? parent.count + 1 : 0;
    this.size = parent ? parent.size + last.length : 0;
  }

  /** The sequence with one more message. Most callers in a row add the same one, which costs a comparison. */
  with(message: Outgoing): Sequence {
    if (this.#latest === message) return this.#latestNext!;
    let next = this.#others?.get(message);
    if (!next) {
      next = new Sequence(this.#codec, this, message.encoded(this.#codec));
      if (this.#latest) (this.#others ??= new Map()).set(this.#latest, this.#latestNext!);
    }
    this.#latest = message;
    this.#latestNext = next;
    return next;
  }

  /** The frame that carries the sequence; joined at the first call. */
  frame(): Encoded {
    if (this.#frame === undefined) {
      const messages = new Array<Encoded>(this.count);
      // deno-lint-ignore no-this-alias -- the walk from this node to the root starts here
      let node: Sequence = this;
      for (let i = this.count - 1; i >= 0; i--, node = node.#parent!) messages[i] = node.#last;
      this.#frame = this.#codec.join(messages);
    }
    return this.#frame;
  }
}
