/**
 * The codes and reasons that a WebSocket's close frame can carry.
 *
 * @module
 */

/** RFC 6455, 5.5: the body of a control frame is at most 125 bytes. The code takes two of them. */
const MAX_REASON_BYTES = 123;

/** No code was given, or none arrived. It is never sent. RFC 6455, 7.4.1. */
const NO_STATUS = 1005;

/** The link ended without a close frame. It is never sent. RFC 6455, 7.4.1. */
export const ABNORMAL_CLOSURE = 1006;

/** A frame was larger than its receiver accepts. RFC 6455, 7.4.1. */
export const MESSAGE_TOO_BIG = 1009;

const NORMAL_CLOSURE = 1000;
const INTERNAL_ERROR = 1011;

/**
 * Returns the code to send for a requested code: the same code if it may be sent, 1000 for 1005 (no code), else 1011.
 *
 * @param code Any number.
 */
export function toSendableCode(code: number): number {
  if (code === NO_STATUS) return NORMAL_CLOSURE;
  const registered = code >= 1000 && code <= 1014 && code !== 1004 && code !== ABNORMAL_CLOSURE;
  const free = code >= 3000 && code <= 4999;
  return Number.isInteger(code) && (registered || free) ? code : INTERNAL_ERROR;
}

/**
 * Cuts a reason to the 123 bytes that a close frame can carry. It never cuts a character in half.
 *
 * @param reason Any text.
 */
export function toSendableReason(reason: string): string {
  const whole = reason.toWellFormed();
  const { read } = new TextEncoder().encodeInto(whole, new Uint8Array(MAX_REASON_BYTES));
  return whole.slice(0, read);
}
