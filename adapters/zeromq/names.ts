/**
 * The names of channels in ZeroMQ. UTF-8 cannot hold lone surrogates, so a channel that has one is written as JSON.
 *
 * @module
 */

import { utf8Size } from "../../contract/values/utf8_size.ts";

/**
 * The name of a channel in a mesh. Different channels have different names.
 *
 * @param channel The channel's name in the hub.
 */
export function nameOf(channel: string): string {
  return channel.isWellFormed() ? `c${channel}` : `j${JSON.stringify(channel)}`;
}

/**
 * The names of one prefix at a proxy, which all applications share. Subscriptions match the start of a name: a
 * subscription to `room:a` would also match `room:ab`. With the length in front, no name is the start of another.
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

  /** The name that only one node subscribes to. */
  ofNode(nodeId: string): string {
    return this.#withLength(`n${nodeId}`);
  }

  #withLength(name: string): string {
    const whole = `${this.#prefix}:${name}`;
    return `${utf8Size(whole)}:${whole}`;
  }
}
