/**
 * The size of frames.
 *
 * @module
 */

import type { Encoded } from "../../contract/mod.ts";

/** UTF-8 takes at most three bytes for what UTF-16 takes one unit for. */
const MAX_BYTES_PER_UNIT = 3;

/**
 * How many bytes a frame takes on the wire, its header not counted.
 *
 * @param frame Text or bytes.
 */
export function byteLengthOf(frame: Encoded): number {
  return typeof frame === "string" ? new TextEncoder().encode(frame).byteLength : frame.byteLength;
}

/**
 * Whether a frame is larger than a limit. Text is only encoded for it where its length leaves that open.
 *
 * @param frame Text or bytes.
 * @param limit In bytes.
 */
export function exceedsBytes(frame: Encoded, limit: number): boolean {
  if (frame.length > limit) return true;
  if (typeof frame !== "string" || frame.length * MAX_BYTES_PER_UNIT <= limit) return false;
  return byteLengthOf(frame) > limit;
}

/**
 * The most bytes that a frame can take on the wire.
 *
 * @param frame The frame.
 */
export function maxByteLength(frame: Encoded): number {
  return typeof frame === "string" ? frame.length * MAX_BYTES_PER_UNIT : frame.byteLength;
}
