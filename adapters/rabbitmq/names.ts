/**
 * What an application is called in RabbitMQ: its exchange `trunkline.PREFIX`, its queues `trunkline.PREFIX.…`, and the routing keys
 * of its channels.
 *
 * A routing key is `c:` and the channel; `j:` and the channel as JSON where it is not well-formed Unicode, which UTF-8
 * could not tell apart. A key ends at 255 bytes: of a longer name it is `h:` and its SHA-256, and the name travels with each
 * message, so that whoever listens compares the name itself.
 *
 * @module
 */

import { createHash } from "node:crypto";
import { exceedsUtf8 } from "../../contract/values/utf8_size.ts";

const MAX_KEY_BYTES = 255;
/** What is left of a name's 255 bytes for what tells queues apart. */
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
    // RabbitMQ drops line breaks from names without a word.
    const name = encodeURIComponent(prefix);
    if (name.length > MAX_PREFIX_BYTES) {
      throw new RangeError(
        `Cannot use this prefix of createRabbitMqAdapter: in RabbitMQ it takes ${name.length} bytes, at most ${MAX_PREFIX_BYTES} fit`,
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
 * @param channel What the hub calls it.
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

/** Whether a routing key is not the name itself. */
export function isHashed(key: string): boolean {
  return key.startsWith("h:");
}
