/**
 * The frame: several messages of one node on one topic, sent as one gossipsub message. The cost of signing, checking
 * and sending is per frame.
 *
 * | bytes | content |
 * |---|---|
 * | 4 | `TLF1`; the digit is the version |
 * | 1 | 1 if the sender wants an acknowledgement, else 0 |
 * | 8 | the session of the sender |
 * | 8 | the number of the frame in the session |
 * | 8 | the number of the frame in its topic, from 0 |
 * | … | for each message: two lengths of 4 bytes each, the channel's name in UTF-8, the message in its envelope |
 *
 * Numbers are doubles, and lengths are unsigned integers. All have the highest byte first.
 *
 * @module
 */

import { readUtf8 } from "../../contract/values/bytes.ts";
import type { OutgoingMessage } from "../kit/outbox.ts";

const MARK = 0x544c4631;
const HEAD_BYTES = 29;
const ENTRY_HEAD_BYTES = 8;
/** A frame of this size or more takes no further message. A larger frame would delay other topics. */
const FULL_BYTES = 64 * 1024;

const encoder = new TextEncoder();

/** The head of a frame. */
export interface FrameHead {
  /** Whether the sender waits for an acknowledgement. */
  readonly ask: boolean;
  /** The session of the sender: 16 hexadecimal digits. */
  readonly session: string;
  /** The number of the frame in its session. */
  readonly count: number;
  /** The number of the frame in its topic. */
  readonly seq: number;
}

/** One message of a frame. */
export interface FrameEntry {
  /** The channel's name. */
  readonly name: string;
  /** The message, in its envelope. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** A frame that arrived. */
export interface Frame extends FrameHead {
  readonly entries: readonly FrameEntry[];
  readonly bytes: number;
}

/** An encoded message to put into a frame. */
export interface FramePart {
  readonly name: Uint8Array;
  readonly data: Uint8Array;
  /** How many bytes of a frame it takes. */
  readonly bytes: number;
}

/** Encodes a message as a part of a frame. */
export function partOf({ name, data }: OutgoingMessage): FramePart {
  const part = { name: encoder.encode(name), data: typeof data === "string" ? encoder.encode(data) : data };
  return { ...part, bytes: ENTRY_HEAD_BYTES + part.name.length + part.data.length };
}

/** How many of these parts fit into one frame: at least one. */
export function fitting(parts: readonly FramePart[]): number {
  let bytes = 0;
  const full = parts.findIndex((part) => (bytes += part.bytes) >= FULL_BYTES);
  return full < 0 ? parts.length : full + 1;
}

/** Packs parts into a frame, without its head. */
export function packFrame(parts: readonly FramePart[]): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(parts.reduce((sum, { bytes }) => sum + bytes, HEAD_BYTES));
  const view = new DataView(frame.buffer);
  view.setUint32(0, MARK);
  let at = HEAD_BYTES;
  for (const { name, data, bytes } of parts) {
    view.setUint32(at, name.length);
    view.setUint32(at + 4, data.length);
    frame.set(name, at + ENTRY_HEAD_BYTES);
    frame.set(data, at + ENTRY_HEAD_BYTES + name.length);
    at += bytes;
  }
  return frame;
}

/** Writes the head of a frame. */
export function stamp(frame: Uint8Array<ArrayBuffer>, { ask, session, count, seq }: FrameHead): void {
  const view = new DataView(frame.buffer);
  view.setUint8(4, ask ? 1 : 0);
  view.setUint32(5, parseInt(session.slice(0, 8), 16));
  view.setUint32(9, parseInt(session.slice(8), 16));
  view.setFloat64(13, count);
  view.setFloat64(21, seq);
}

/**
 * Unpacks a frame. Never throws.
 *
 * @param raw The data of the gossipsub message.
 * @returns The frame, or `undefined` if the data is not a frame.
 */
export function readFrame(raw: Uint8Array): Frame | undefined {
  if (raw.length < HEAD_BYTES) return undefined;
  // The library may reuse the rest of the same buffer, so this makes a copy.
  const bytes = new Uint8Array(raw);
  const view = new DataView(bytes.buffer);
  const [ask, count, seq] = [view.getUint8(4), view.getFloat64(13), view.getFloat64(21)];
  if (view.getUint32(0) !== MARK || ask > 1 || !isNumber(count) || !isNumber(seq)) return undefined;
  const hex = (at: number) => view.getUint32(at).toString(16).padStart(8, "0");
  try {
    const entries = readEntries(bytes, view);
    return entries && { ask: ask === 1, session: hex(5) + hex(9), count, seq, entries, bytes: bytes.length };
  } catch {
    return undefined; // a name that is not UTF-8
  }
}

function readEntries(bytes: Uint8Array<ArrayBuffer>, view: DataView): FrameEntry[] | undefined {
  const entries: FrameEntry[] = [];
  let at = HEAD_BYTES;
  while (at < bytes.length) {
    if (at + ENTRY_HEAD_BYTES > bytes.length) return undefined;
    const start = at + ENTRY_HEAD_BYTES;
    const middle = start + view.getUint32(at);
    at = middle + view.getUint32(at + 4);
    if (at > bytes.length) return undefined;
    entries.push({ name: readUtf8(bytes.subarray(start, middle)), data: bytes.subarray(middle, at) });
  }
  return entries;
}

function isNumber(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}
