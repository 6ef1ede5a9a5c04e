/**
 * How channels of the hub travel through PostgreSQL: over a few notify channels, the partitions, whose names it keeps short,
 * and with their own names in the payload.
 *
 * A notify channel is `tl:PREFIX:PARTITION`, or `tl#HASH:PARTITION` where the prefix is long or not plain: PostgreSQL takes
 * 63 bytes. What the adapter says to itself goes over `tl:PREFIX:p:HASH` of the node. A payload is a number, which makes it
 * unlike any other of its transaction, a dot, the length of the channel's name, a colon, the name, and the envelope or a part of
 * one: `1k.5:cnewsTL1t…`. A name is `c` and the channel, or `h` and a hash of it where it is long or UTF-8 does not carry it.
 *
 * @module
 */

import { createHash } from "node:crypto";

/**
 * Over how many notify channels the channels of a prefix are spread. Fixed: nodes that disagree would not meet. A server
 * looks through the list of what a session listens to for every notification, so long lists cost all of them; with
 * few partitions a node hears more that it has no use for.
 */
export const PARTITIONS = 1_024;

/** PostgreSQL refuses payloads of 8,000 bytes. */
export const MAX_PAYLOAD_BYTES = 7_999;

const MAX_NAME_LENGTH = 256;
const PLAIN_PREFIX = /^[A-Za-z0-9_.-]{1,32}$/;
const PAYLOAD_HEAD = /^[0-9a-z]{1,11}\.(\d{1,3}):/;

/** What a payload says. */
export interface Payload {
  /** The name of the channel. */
  readonly name: string;
  /** The envelope, or a part of one. */
  readonly data: string;
}

/**
 * The name of a channel in payloads.
 *
 * @param channel What the hub calls it.
 */
export function nameOf(channel: string): string {
  const fits = channel.length < MAX_NAME_LENGTH && channel.isWellFormed() && !channel.includes("\0");
  return fits ? `c${channel}` : `h${hashOf(JSON.stringify(channel))}`;
}

/**
 * The partition of a channel.
 *
 * @param name Its name in payloads.
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
 * @param payload What came.
 * @returns `undefined` for what is none of ours.
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
  /** What the names of all partitions begin with; their number follows. */
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

  /** The notify channel on which a node hears itself. */
  probeOf(nodeId: string): string {
    return `${this.root}p:${hashOf(nodeId).slice(0, 16)}`;
  }
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url").slice(0, 32);
}
