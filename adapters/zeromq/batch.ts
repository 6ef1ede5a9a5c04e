/**
 * Packs the messages of one turn into one run of bytes. In ZeroMQ, a message costs more than its content. For each
 * message, the batch has the length of the name, the name, the length of the data, and the data.
 *
 * @module
 */

import type { OutgoingMessage } from "../kit/outbox.ts";

const LENGTH_BYTES = 4;
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** An encoded message. */
export type Entry = Uint8Array<ArrayBuffer>;

/** Encodes a message. */
export function toEntry({ name, data }: OutgoingMessage): Entry {
  const nameBytes = encoder.encode(name);
  const body = typeof data === "string" ? encoder.encode(data) : data;
  const entry = new Uint8Array(2 * LENGTH_BYTES + nameBytes.length + body.length);
  const view = new DataView(entry.buffer);
  view.setUint32(0, nameBytes.length);
  entry.set(nameBytes, LENGTH_BYTES);
  view.setUint32(LENGTH_BYTES + nameBytes.length, body.length);
  entry.set(body, 2 * LENGTH_BYTES + nameBytes.length);
  return entry;
}

/** Joins messages. */
export function toBatch(entries: readonly Entry[]): Uint8Array<ArrayBuffer> {
  if (entries.length === 1) return entries[0];
  const batch = new Uint8Array(entries.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const entry of entries) {
    batch.set(entry, at);
    at += entry.length;
  }
  return batch;
}

/**
 * Reads a batch. The data are copies, so that a message that is kept does not keep the whole batch in memory.
 *
 * @param batch The bytes.
 * @param take Takes each message.
 * @returns Whether the bytes are one complete batch.
 */
export function readBatch(
  batch: Uint8Array,
  take: (name: string, data: Uint8Array<ArrayBuffer>) => void,
): boolean {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.length);
  let at = 0;
  const part = () => {
    if (at + LENGTH_BYTES > batch.length) return;
    const start = at + LENGTH_BYTES;
    const end = start + view.getUint32(at);
    if (end > batch.length) return;
    at = end;
    return [start, end] as const;
  };
  while (at < batch.length) {
    const [name, data] = [part(), part()];
    if (!name || !data) return false;
    // Not `slice()`: for a Buffer that would be a view.
    take(decoder.decode(batch.subarray(...name)), Uint8Array.prototype.slice.apply(batch, [...data]));
  }
  return true;
}
