/**
 * The MessagePack codec: frames are smaller, and bytes in payloads travel without base64. Use it on both sides:
 * `createHub(contract, { codecs: [jsonCodec, msgpackCodec] })` and `createClient(contract, { codec: msgpackCodec })`.
 *
 * @module
 */

import { Decoder, decodeTimestampExtension, Encoder, EXT_TIMESTAMP } from "@msgpack/msgpack";
import {
  type Codec,
  type Encoded,
  encodeMessage,
  HubError,
  MAX_DEPTH,
  type PlainRules,
  readPlainMessage,
} from "../contract/mod.ts";
import { scanMsgpack, splitMsgpack } from "./msgpack_scan.ts";

const PAYLOADS: PlainRules = { maxDepth: MAX_DEPTH, bytes: (bytes) => bytes, name: (name) => name };
const WELL_FORMED: PlainRules = { ...PAYLOADS, wellFormed: true };

/** The first byte of every byte sequence that means half a surrogate pair. */
const SURROGATE = 0xed;

/** The levels of nesting around a payload: the frame and the message. */
const AROUND = 2;

/** A date becomes text: payloads must be the same with every encoding. */
const extensionCodec = {
  tryToEncode: () => null,
  decode(data: Uint8Array, type: number): string {
    if (type !== EXT_TIMESTAMP) throw new TypeError(`Cannot read the extension ${type}`);
    return decodeTimestampExtension(data).toISOString();
  },
};

const encoder = new Encoder({ maxDepth: MAX_DEPTH + AROUND });
const decoder = new Decoder({ extensionCodec });

/** The head of a list (https://github.com/msgpack/msgpack/blob/master/spec.md#array-format-family). */
function listHead(count: number): number[] {
  if (count < 16) return [0x90 | count];
  if (count < 0x10000) return [0xdc, count >> 8, count & 0xff];
  return [0xdd, count >>> 24, (count >> 16) & 0xff, (count >> 8) & 0xff, count & 0xff];
}

/** Decodes one value. If it cannot be decoded, returns the error. */
function readElement(bytes: Uint8Array): unknown {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    return new HubError("BAD_REQUEST", "Cannot read a payload: it is damaged", { cause });
  }
}

/** Splits a frame message by message, because something in it cannot be decoded. */
function readOneByOne(frame: Uint8Array): unknown[] {
  return splitMsgpack(frame, 0, frame.length).map(([start, end]) => {
    const elements = splitMsgpack(frame, start, end);
    return elements.length === 0
      ? readElement(frame.subarray(start, end))
      : elements.map(([from, to, depth]) =>
        depth > MAX_DEPTH
          ? new HubError("BAD_REQUEST", `Cannot read a payload: it is nested deeper than ${MAX_DEPTH} levels`)
          : readElement(frame.subarray(from, to))
      );
  });
}

/** Splits a frame into its messages. */
function read(frame: Uint8Array, depth: number): unknown[] {
  if (depth > MAX_DEPTH + AROUND) return readOneByOne(frame);
  try {
    return decoder.decode(frame) as unknown[];
  } catch {
    return readOneByOne(frame);
  }
}

/**
 * A frame is a MessagePack array of messages. Each message is an array.
 *
 * It carries the same values as JSON, and `Uint8Array` without base64. Received bytes are a copy.
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
  encode: (message) => encodeMessage(message, PAYLOADS, (plain) => encoder.encode(plain)),
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
    let isList: boolean;
    let depth: number;
    try {
      ({ isList, depth } = scanMsgpack(frame));
    } catch (cause) {
      throw new HubError("BAD_REQUEST", "Cannot read the frame: it is not MessagePack", { cause });
    }
    if (!isList) throw new HubError("BAD_REQUEST", "Cannot read the frame: it is not a list");
    const list = read(frame, depth);
    const rules = frame.includes(SURROGATE) ? PAYLOADS : WELL_FORMED;
    for (const message of list) if (Array.isArray(message)) readPlainMessage(message, rules);
    return list;
  },
};
