/**
 * Several messages of one channel as one message of RabbitMQ, for which each costs far more than its bytes.
 *
 * A packed message has the type `trunkline.pack`: for each message its length, four bytes, and the message. One of the type
 * `trunkline.named` begins with the name of the channel in the same way: the routing key is not the name then. A header could not be
 * as long as a name may be.
 *
 * @module
 */

/** The types of packed messages. */
export const PACKED = "trunkline.pack";
export const NAMED = "trunkline.named";

const LENGTH_BYTES = 4;

/**
 * Packs messages.
 *
 * @param messages The messages, in order.
 */
export function pack(messages: readonly Uint8Array[]): Uint8Array {
  const size = messages.reduce((size, { length }) => size + LENGTH_BYTES + length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const message of messages) {
    view.setUint32(at, message.length);
    bytes.set(message, at + LENGTH_BYTES);
    at += LENGTH_BYTES + message.length;
  }
  return bytes;
}

/**
 * Unpacks messages.
 *
 * @param bytes What arrived, from whomever.
 * @returns The messages, as views; `undefined` for what was not packed here.
 */
export function unpack(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer>[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const messages: Uint8Array<ArrayBuffer>[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + LENGTH_BYTES > bytes.length) return undefined;
    const end = at + LENGTH_BYTES + view.getUint32(at);
    if (end > bytes.length) return undefined;
    messages.push(bytes.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return messages.length === 0 ? undefined : messages;
}
