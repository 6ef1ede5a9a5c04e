/**
 * Maps channels of the hub to PostgreSQL. A few notify channels, the partitions, carry all channels. Their names are
 * short. The name of the hub's channel is in the payload.
 *
 * A notify channel is `tl:PREFIX:PARTITION`, or `tl#HASH:PARTITION` if the prefix is long or has special characters:
 * PostgreSQL takes 63 bytes. A node sends its probes to itself on `tl:PREFIX:p:HASH`.
 *
 * A payload is `1k.5:cnewsTL1t…`: a number, a dot, the length of the channel's name, a colon, the name, and the
 * envelope or a part of it. The number makes the payload different from all others of its transaction. A name is `c`
 * and the channel. It is `h` and a hash if the channel's name is long or not valid UTF-8.
 *
 * @module
 */

import { createHash } from "node:crypto";

/**
 * How many notify channels a prefix has. Fixed: nodes with different numbers would not receive each other's messages.
 * For every notification the server searches the list of channels that each session listens to, so long lists slow down
 * all sessions. With few partitions a node receives more messages that it does not need.
 */
export const PARTITIONS = 1_024;

/** The largest payload: PostgreSQL refuses 8,000 bytes. */
export const MAX_PAYLOAD_BYTES = 7_999;

const MAX_NAME_LENGTH = 256;
const PLAIN_PREFIX = /^[A-Za-z0-9_.-]{1,32}$/;
const PAYLOAD_HEAD = /^[0-9a-z]{1,11}\.(\d{1,3}):/;

/** A payload after parsing. */
export interface Payload {
  /** The name of the channel. */
  readonly name: string;
  /** The envelope, or a part of it. */
  readonly data: string;
}

/**
 * The name of a channel in payloads.
 *
 * @param channel The channel's name in the hub.
 */
export function nameOf(channel: string): string {
  const fits = channel.length < MAX_NAME_LENGTH && channel.isWellFormed() && !channel.includes("\0");
  return fits ? `c${channel}` : `h${hashOf(JSON.stringify(channel))}`;
}

/**
 * The partition of a channel.
 *
 * @param name The channel's name in payloads.
 */
export function partitionOf(name: string): number {
  // FNV-1a, over UTF-16 units.
  let hash = 0x811c9dc5;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return ((hash >>> 16) ^ hash) & (PARTITIONS - 1);
}

/**
 * The head of a payload.
 *
 * @param number A number that no other payload of the transaction has.
 * @param name The name of the channel.
 */
export function payloadHead(number: number, name: string): string {
  return `${number.toString(36)}.${name.length}:${name}`;
}

/**
 * Reads a payload.
 *
 * @param payload The payload of a notification.
 * @returns The parts, or `undefined` if the adapter did not send this payload.
 */
export function readPayload(payload: string): Payload | undefined {
  const head = PAYLOAD_HEAD.exec(payload);
  if (!head) return undefined;
  const start = head[0].length;
  const end = start + Number(head[1]);
  if (end === start || end > payload.length) return undefined;
  return { name: payload.slice(start, end), data: payload.slice(end) };
}

/** The notify channels of one prefix. */
export class NotifyChannels {
  /** The start of the names of all partitions. The partition's number follows. */
  readonly root: string;

  /** @param prefix The prefix. */
  constructor(prefix: string) {
    this.root = PLAIN_PREFIX.test(prefix) ? `tl:${prefix}:` : `tl#${hashOf(prefix)}:`;
  }

  /** The notify channel of a partition. */
  of(partition: number): string {
    return `${this.root}${partition}`;
  }

  /** The partition of a notify channel. */
  partition(channel: string): number {
    return Number(channel.slice(this.root.length));
  }

  /** The notify channel on which a node receives its own probes. */
  probeOf(nodeId: string): string {
    return `${this.root}p:${hashOf(nodeId).slice(0, 16)}`;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 32);
}
