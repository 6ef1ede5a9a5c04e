/**
 * The codec seam: how messages become frames. A message is encoded once, whoever it goes to; frames are joined from
 * encoded messages.
 *
 * @module
 */

import { HubError } from "./errors.ts";
import { MAX_DEPTH, readJson, writeJson } from "./json.ts";

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
 * Leaves a payload of `undefined` out of a message, which ends with it; elsewhere in a message there is none.
 *
 * @param message The message.
 */
export function trimPayload(message: readonly unknown[]): readonly unknown[] {
  return message[message.length - 1] === undefined ? message.slice(0, -1) : message;
}

/** A frame is a JSON array of messages, each an array. Bytes in payloads travel as base64; see `writeJson`. */
export const jsonCodec: Codec = {
  subprotocol: "trunkline.v1.json",
  encode(message) {
    try {
      return writeJson(trimPayload(message));
    } catch (cause) {
      throw new HubError("BAD_REQUEST", `Cannot encode the payload of "${message[1]}" as JSON`, { cause });
    }
  },
  join: (messages) => messages.length === 1 ? `[${messages[0]}]` : `[${messages.join(",")}]`,
  decode(frame) {
    if (typeof frame !== "string") throw new HubError("BAD_REQUEST", "Cannot read a binary frame as JSON");
    let value: unknown;
    try {
      value = readJson(frame);
    } catch (cause) {
      const why = cause instanceof RangeError
        ? `it is nested deeper than ${MAX_DEPTH} levels`
        : "it is not JSON";
      throw new HubError("BAD_REQUEST", `Cannot read the frame: ${why}`, { cause });
    }
    if (!Array.isArray(value)) throw new HubError("BAD_REQUEST", "Cannot read the frame: it is not a list");
    return value;
  },
};
