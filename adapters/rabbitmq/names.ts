/**
 * The names of an application in RabbitMQ: its exchange `trunkline.PREFIX`, its queues `trunkline.PREFIX.…`, and the
 * routing keys of its channels.
 *
 * A routing key is `c:` and the channel. If the channel is not well-formed Unicode, the key is `j:` and the channel as
 * JSON: in UTF-8, all lone surrogates become the same character. A key may have at most 255 bytes. For a longer name
 * the key is `h:` and the SHA-256 of the name. Then the name travels with each message, so that a subscriber can
 * compare the name itself.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { exceedsUtf8 } from "../../contract/values/utf8_size.ts";

const MAX_KEY_BYTES = 255;
/** The limit for the prefix. The rest of a name's 255 bytes is for the suffix of a queue. */
const MAX_PREFIX_BYTES = 150;

/** The names of one prefix. */
export class RabbitMqNames {
  /** The exchange that all nodes publish to. */
  readonly exchange: string;

  /**
   * @param prefix Any text but the empty one.
   * @throws {RangeError} If it is too long.
   */
  constructor(prefix: string) {
    // RabbitMQ removes line breaks from names without an error.
    const name = encodeURIComponent(prefix);
    if (name.length > MAX_PREFIX_BYTES) {
      throw new RangeError(
        `Cannot use this prefix of createRabbitMqAdapter: in RabbitMQ it takes ${name.length} bytes, and at most ${MAX_PREFIX_BYTES} fit`,
      );
    }
    this.exchange = `trunkline.${name}`;
  }

  /** A name for a queue of one connection. */
  queue(kind: "inbox" | "lost"): string {
    return `${this.exchange}.${kind}.${crypto.randomUUID()}`;
  }
}

/**
 * The name of a channel.
 *
 * @param channel The channel's name in the hub.
 */
export function nameOf(channel: string): string {
  return channel.isWellFormed() ? `c:${channel}` : `j:${JSON.stringify(channel)}`;
}

/**
 * The routing key of a name.
 *
 * @param name The name of a channel.
 */
export function keyOf(name: string): string {
  if (!exceedsUtf8(name, MAX_KEY_BYTES)) return name;
  return `h:${createHash("sha256").update(name).digest("hex")}`;
}

/** Whether a routing key is the hash of a name. */
export function isHashed(key: string): boolean {
  return key.startsWith("h:");
}
