/**
 * The MessagePack codec: frames are smaller, and bytes in payloads travel without base64. Use it on both sides:
 * `createHub(contract, { codecs: [jsonCodec, msgpackCodec] })` and `createClient(contract, { codec: msgpackCodec })`.
 *
 * @module
 */

import { type Codec, type Encoded, HubError, MAX_DEPTH, type PlainRules } from "../contract/mod.ts";
import { copyMessage } from "../contract/values/plain.ts";
import { Damage, MsgpackReader } from "./msgpack_reader.ts";
import { endOf } from "./msgpack_scan.ts";
import { MsgpackWriter } from "./msgpack_writer.ts";

const PAYLOADS: PlainRules = {
  maxDepth: MAX_DEPTH,
  bytes: (bytes) => new Uint8Array(bytes), // they may be of another class, such as `Buffer`
  name: (name) => name,
};

const writer = new MsgpackWriter();

/** Copies a message that cannot be written as it is, or refuses it. */
function writeCopy(message: readonly unknown[]): Uint8Array<ArrayBuffer> {
  const written = writer.write(copyMessage(message, PAYLOADS), MAX_DEPTH);
  // What was copied may travel.
  if (!written) throw new HubError("TOO_LARGE", "Cannot encode a message: there is not enough memory for it");
  return written;
}

/** The head of a list (https://github.com/msgpack/msgpack/blob/master/spec.md#array-format-family). */
function listHead(count: number): number[] {
  if (count < 16) return [0x90 | count];
  if (count < 0x10000) return [0xdc, count >> 8, count & 0xff];
  return [0xdd, count >>> 24, (count >> 16) & 0xff, (count >> 8) & 0xff, count & 0xff];
}

/** The errors in place of bad values. One of each kind is enough for a frame: see {@linkcode Damage}. */
class Errors {
  /** Most frames have none. */
  #known: Map<Damage, HubError> | undefined;

  of(damage: Damage): HubError {
    const known = (this.#known ??= new Map()).get(damage);
    if (known) return known;
    const error = new HubError("BAD_REQUEST", `Cannot read a payload: ${damage.text}`);
    this.#known.set(damage, error);
    return error;
  }
}

/** Reads one value. If it is bad, but the frame goes on behind it, returns the error. */
function readItem(reader: MsgpackReader, frame: Uint8Array, errors: Errors): unknown {
  const start = reader.at;
  try {
    return reader.value(MAX_DEPTH);
  } catch (damage) {
    if (!(damage instanceof Damage)) throw damage;
    reader.at = endOf(frame, start);
    return errors.of(damage);
  }
}

function readMessage(reader: MsgpackReader, frame: Uint8Array, errors: Errors): unknown {
  if (!reader.isAtList) return readItem(reader, frame, errors);
  const message: unknown[] = [];
  for (let items = reader.listHead(); items > 0; items--) message.push(readItem(reader, frame, errors));
  return message;
}

/** A view of the frame that is no `Buffer`: a part that is cut out of a `Buffer` is not a copy. */
const ownClass = (frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> =>
  frame.constructor === Uint8Array ? frame : new Uint8Array(frame.buffer, frame.byteOffset, frame.byteLength);

/** Splits a frame into its messages. */
function readFrame(reader: MsgpackReader, frame: Uint8Array): unknown[] {
  const errors = new Errors();
  const messages: unknown[] = [];
  for (let items = reader.listHead(); items > 0; items--) messages.push(readMessage(reader, frame, errors));
  if (reader.at < frame.length) throw new RangeError("The frame is longer than it says");
  return messages;
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
  encode: (message) => writer.write(message, MAX_DEPTH) ?? writeCopy(message),
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
    const bytes = ownClass(frame);
    const reader = new MsgpackReader(bytes);
    if (!reader.isAtList) throw new HubError("BAD_REQUEST", "Cannot read the frame: it is not a list");
    try {
      return readFrame(reader, bytes);
    } catch (cause) {
      throw new HubError("BAD_REQUEST", "Cannot read the frame: it is not MessagePack", { cause });
    }
  },
};
