/**
 * The MessagePack codec: smaller frames, and bytes in payloads as they are. For both ends:
 * `createHub(contract, { codecs: [jsonCodec, msgpackCodec] })` and `createClient(contract, { codec: msgpackCodec })`.
 *
 * @module
 */

import { Decoder, Encoder } from "@msgpack/msgpack";
import { type Codec, type Encoded, HubError, MAX_DEPTH, trimPayload } from "../contract/mod.ts";
import { checkMsgpack } from "./msgpack_check.ts";

/** Properties that are `undefined` are left out, as JSON does. */
const encoder = new Encoder({ maxDepth: MAX_DEPTH, ignoreUndefined: true });
const decoder = new Decoder();

/** The head of a list (https://github.com/msgpack/msgpack/blob/master/spec.md#array-format-family). */
function listHead(count: number): number[] {
  if (count < 16) return [0x90 | count];
  if (count < 0x10000) return [0xdc, count >> 8, count & 0xff];
  return [0xdd, count >>> 24, (count >> 16) & 0xff, (count >> 8) & 0xff, count & 0xff];
}

/**
 * A frame is a MessagePack array of messages, each an array.
 *
 * Beside JSON's values it carries `Uint8Array` and dates as they are. Bytes that arrive are a copy of their own.
 *
 * @example
 * ```ts
 * import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
 * import { assertEquals } from "@std/assert";
 *
 * const message = ["sig", "picture", { data: new Uint8Array([1, 2, 3]) }];
 * const frame = msgpackCodec.join([msgpackCodec.encode(message)]);
 * assertEquals(msgpackCodec.decode(frame), [message]);
 * ```
 */
export const msgpackCodec: Codec = {
  subprotocol: "trunkline.v1.msgpack",
  encode(message) {
    try {
      return encoder.encode(trimPayload(message));
    } catch (cause) {
      throw new HubError("BAD_REQUEST", `Cannot encode the payload of "${message[1]}" as MessagePack`, {
        cause,
      });
    }
  },
  join(messages) {
    const head = listHead(messages.length);
    const frame = new Uint8Array(messages.reduce((size, { length }) => size + length, head.length));
    frame.set(head);
    let at = head.length;
    for (const message of messages as readonly Uint8Array[]) {
      frame.set(message, at);
      at += message.length;
    }
    return frame;
  },
  decode(frame: Encoded) {
    if (typeof frame === "string") {
      throw new HubError("BAD_REQUEST", "Cannot read a text frame as MessagePack");
    }
    let value: unknown;
    try {
      checkMsgpack(frame, MAX_DEPTH);
      value = decoder.decode(frame);
    } catch (cause) {
      throw new HubError("BAD_REQUEST", "Cannot read the frame: it is not MessagePack, or nested too deep", {
        cause,
      });
    }
    if (!Array.isArray(value)) throw new HubError("BAD_REQUEST", "Cannot read the frame: it is not a list");
    return value;
  },
};
