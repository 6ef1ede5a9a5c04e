/**
 * The interface of codecs: how messages become frames. The hub encodes a message once for all its receivers, and joins
 * encoded messages into frames.
 *
 * @module
 */

import { HubError } from "./errors.ts";
import { readJsonMessages, writeJsonMessage } from "./values/json.ts";

/** The data of one WebSocket frame, or of a part of it. */
export type Encoded = string | Uint8Array<ArrayBuffer>;

/**
 * How messages become frames and back. A codec keeps no state between calls.
 *
 * `decode` gives back the same values that `encode` took, from any frame that `join` made. All codecs take the same
 * values: `docs/protocol.md` lists them under "Values". A codec of your own must encode every message with {@linkcode
 * encodeMessage}, and must pass every message that it decodes through {@linkcode readPlainMessage}.
 */
export interface Codec {
  /** The WebSocket subprotocol that stands for this codec and the version of the protocol. */
  readonly subprotocol: string;
  /**
   * Encodes one message. Later changes to the message do not change the result.
   *
   * @param message A message of the wire. If it ends with a payload of `undefined`, the payload is left out.
   * @throws {HubError} `BAD_REQUEST` when the message holds a value that cannot travel.
   */
  encode(message: readonly unknown[]): Encoded;
  /**
   * Joins encoded messages into one frame, in the same order.
   *
   * @param messages At least one message, each as {@linkcode Codec.encode} made it.
   */
  join(messages: readonly Encoded[]): Encoded;
  /**
   * Splits a frame into its messages.
   *
   * @param frame The frame that arrived.
   * @returns The messages in the frame, in order. They are not checked yet: see `asClientMessage`. If an element of a
   * message cannot be read, a `HubError` takes its place and says why. The other messages are not affected.
   * @throws {HubError} `BAD_REQUEST` when the frame is not of this codec.
   */
  decode(frame: Encoded): unknown[];
}

/**
 * A frame is a JSON array of messages. Each message is an array. Bytes in payloads travel as base64; see `writeJson`.
 */
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
