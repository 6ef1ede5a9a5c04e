/**
 * The codec seam: how messages become frames. A message is encoded once, whoever it goes to; frames are joined from
 * encoded messages.
 *
 * @module
 */

import { HubError } from "./errors.ts";
import { readJsonMessages, writeJsonMessage } from "./values/json.ts";

/** What travels in one WebSocket frame, or a part of it. */
export type Encoded = string | Uint8Array<ArrayBuffer>;

/**
 * How messages become frames and back. A codec keeps no state between calls.
 *
 * What `encode` takes, `decode` gives back from any frame that `join` made of it. All codecs take the same values, which
 * `docs/protocol.md` lists under "Values": who builds one encodes every message with {@linkcode encodeMessage}, and passes
 * every message that it decodes through {@linkcode readPlainMessage}.
 */
export interface Codec {
  /** The WebSocket subprotocol that stands for this codec and the version of the protocol. */
  readonly subprotocol: string;
  /**
   * Encodes one message. It is read once: what changes in it later changes nothing.
   *
   * @param message A message of the wire. A payload of `undefined`, with which it ends, is left out.
   * @throws {HubError} `BAD_REQUEST` when the message holds what cannot travel.
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
   * @returns The messages in it, in order, not yet checked; see `asClientMessage`. An element of a message that cannot
   * be handed on is the `HubError` that says why, and hurts no other.
   * @throws {HubError} `BAD_REQUEST` when the frame is not of this codec.
   */
  decode(frame: Encoded): unknown[];
}

/** A frame is a JSON array of messages, each an array. Bytes in payloads travel as base64; see `writeJson`. */
export const jsonCodec: Codec = {
  subprotocol: "trunkline.v1.json",
  encode: (message) => writeJsonMessage(message),
  join: (messages) => messages.length === 1 ? `[${messages[0]}]` : `[${messages.join(",")}]`,
  decode(frame) {
    if (typeof frame !== "string") throw new HubError("BAD_REQUEST", "Cannot read a binary frame as JSON");
    try {
      return readJsonMessages(frame);
    } catch (cause) {
      const why = cause instanceof TypeError ? "it is not a list" : "it is not JSON";
      throw new HubError("BAD_REQUEST", `Cannot read the frame: ${why}`, { cause });
    }
  },
};
