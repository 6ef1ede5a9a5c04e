/**
 * How large messages are, for adapters whose backplane has a limit.
 *
 * @module
 */

import type { AdapterData } from "../adapter.ts";

/** UTF-8 takes at most three bytes for what UTF-16 takes one unit for. */
const MAX_BYTES_PER_UNIT = 3;

/**
 * Measures a message that is over a limit. Text is only encoded for it where its length leaves that open.
 *
 * @param data The message.
 * @param maxBytes The limit.
 * @returns Its size in bytes, or `undefined` when it is within the limit.
 */
export function bytesBeyond(data: AdapterData, maxBytes: number): number | undefined {
  if (typeof data === "string" && data.length * MAX_BYTES_PER_UNIT <= maxBytes) return undefined;
  const bytes = typeof data === "string" ? new TextEncoder().encode(data).length : data.length;
  return bytes > maxBytes ? bytes : undefined;
}
