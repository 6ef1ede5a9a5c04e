/**
 * The codec seam: how messages become frames. A message is encoded once, whoever it goes to; frames are joined from
 * encoded messages.
 *
 * @module
 */

import { HubError } from "./errors.ts";

/** What travels in one WebSocket frame, or a part of it. */
export type Encoded = string | Uint8Array<ArrayBuffer>;

/** How messages become frames and back. A codec keeps no state between calls. */
export interface Codec {
  /** The WebSocket subprotocol that stands for this codec and the version of the protocol. */
  readonly subprotocol: string;
  /**
   * Encodes one message.
   *
   * @param message A message of the wire.
   * @throws {HubError} `BAD_REQUEST` when the message holds what the codec cannot carry.
   */
  encode(message: readonly unknown[]): Encoded;
  /**
   * Joins encoded messages into one frame; their order is kept.
   *
   * @param messages At least one message, each as {@linkcode Codec.encode} made it.
   */
  join(messages: readonly Encoded[]): Encoded;
  /**
   * Takes a frame apart.
   *
   * @param frame What arrived.
   * @returns The messages in it, in order, not yet checked; see `asClientMessage`.
   * @throws {HubError} `BAD_REQUEST` when the frame is not of this codec.
   */
  decode(frame: Encoded): unknown[];
}

/**
 * How deep a frame may be nested, its own two lists included. Deeper values overflow the stack of whatever walks them
 * (schemas, `JSON.stringify`), which takes some runtimes seconds to find out.
 */
const MAX_DEPTH = 1_000;

/** Whether there are more than so many lists and objects inside each other. */
function isDeeperThan(depth: number, value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  if (depth === 0) return true;
  if (Array.isArray(value)) {
    for (const item of value) if (isDeeperThan(depth - 1, item)) return true;
    return false;
  }
  for (const key in value) if (isDeeperThan(depth - 1, (value as Record<string, unknown>)[key])) return true;
  return false;
}

/** A payload of `undefined` is left out; elsewhere in a tuple there is none. */
function trim(message: readonly unknown[]): readonly unknown[] {
  return message[message.length - 1] === undefined ? message.slice(0, -1) : message;
}

/** A frame is a JSON array of messages, each an array. */
export const jsonCodec: Codec = {
  subprotocol: "trunkline.v1.json",
  encode(message) {
    try {
      return JSON.stringify(trim(message));
    } catch (cause) {
      throw new HubError("BAD_REQUEST", `Cannot encode the payload of "${message[1]}" as JSON`, { cause });
    }
  },
  join: (messages) => `[${messages.join(",")}]`,
  decode(frame) {
    if (typeof frame !== "string") throw new HubError("BAD_REQUEST", "Cannot read a binary frame as JSON");
    let value: unknown;
    try {
      value = JSON.parse(frame);
    } catch (cause) {
      throw new HubError("BAD_REQUEST", "Cannot read the frame: it is not JSON", { cause });
    }
    if (!Array.isArray(value)) throw new HubError("BAD_REQUEST", "Cannot read the frame: it is not a list");
    // Every level takes two characters, so short frames need no look.
    if (frame.length > 2 * MAX_DEPTH && isDeeperThan(MAX_DEPTH, value)) {
      throw new HubError(
        "BAD_REQUEST",
        `Cannot read the frame: it is nested deeper than ${MAX_DEPTH} levels`,
      );
    }
    return value;
  },
};
