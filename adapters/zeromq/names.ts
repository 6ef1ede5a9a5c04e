/**
 * How channels of the hub are named in ZeroMQ. UTF-8 has no half surrogate pairs, so a channel that has one is written as JSON.
 *
 * @module
 */

import { utf8Size } from "../../contract/values/utf8_size.ts";

/**
 * The name of a channel in a mesh: different channels have different names.
 *
 * @param channel What the hub calls it.
 */
export function nameOf(channel: string): string {
  return channel.isWellFormed() ? `c${channel}` : `j${JSON.stringify(channel)}`;
}

/**
 * The names of one prefix at a proxy, where all applications meet. Subscribers match by the start of a name, not by the whole:
 * `room:a` would also get what is for `room:ab`. The length in front makes no name the start of another.
 */
export class Topics {
  readonly #prefix: string;

  /** @param prefix The prefix. */
  constructor(prefix: string) {
    this.#prefix = prefix.replace(/[%:]/g, (sign) => sign === "%" ? "%25" : "%3A");
  }

  /** The name of a channel. */
  ofChannel(channel: string): string {
    return this.#withLength(nameOf(channel));
  }

  /** The name of what a node alone hears. */
  ofNode(nodeId: string): string {
    return this.#withLength(`n${nodeId}`);
  }

  #withLength(name: string): string {
    const whole = `${this.#prefix}:${name}`;
    return `${utf8Size(whole)}:${whole}`;
  }
}
