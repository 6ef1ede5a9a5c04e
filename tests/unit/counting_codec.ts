import { type Codec, type Encoded, jsonCodec, type ServerMessage } from "../../contract/mod.ts";
import type { OutboxLimits } from "../../hub/outbox/outbox_rules.ts";
import { OutgoingMessage, type Urgency } from "../../hub/outbox/outgoing_message.ts";
import { Sequence } from "../../hub/outbox/sequence.ts";

/** The limits of an outbox that nothing exceeds. */
export const NO_LIMITS: OutboxLimits = {
  maxMessages: Infinity,
  maxBytes: Infinity,
  policy: "close",
  maxFrameMessages: 64,
  maxFrameLength: 64 * 1024,
  highWaterBytes: Infinity,
};

/** A codec that counts its work. Its frames are bytes, so that two that are equal can still be told apart. */
export class CountingCodec implements Codec {
  readonly subprotocol = "test";
  encoded = 0;
  joined = 0;

  encode(message: readonly unknown[]): Encoded {
    this.encoded++;
    return jsonCodec.encode(message);
  }

  join(messages: readonly Encoded[]): Encoded {
    this.joined++;
    return new TextEncoder().encode(jsonCodec.join(messages) as string);
  }

  decode(frame: Encoded): unknown[] {
    return jsonCodec.decode(new TextDecoder().decode(frame as Uint8Array));
  }
}

/** A message that is told from others by its number. */
export function numbered(n: number, urgency?: Urgency, padding = ""): OutgoingMessage {
  const message: ServerMessage = padding === "" ? ["ev", "n", n] : ["ev", "n", n, padding] as never;
  return new OutgoingMessage(message, urgency);
}

/** A sequence of these messages, as a turn of their own would make it. */
export function sequenceOf(codec: Codec, messages: readonly OutgoingMessage[]): Sequence {
  return messages.reduce((sequence, message) => sequence.with(message), new Sequence(codec));
}
