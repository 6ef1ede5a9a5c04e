/**
 * Packs several messages of one channel into one message of RabbitMQ. For RabbitMQ, a message costs far more than its
 * bytes.
 *
 * A packed message has the type `trunkline.pack`. It holds, for each message, the length in four bytes, and the
 * message. If the routing key is not the channel's name, the type is `trunkline.named`, and the name comes first in the
 * same form. A header is too short for some names.
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
 * @param bytes The body of a message, from any sender.
 * @returns The messages, as views. `undefined` if the adapter did not pack this body.
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
