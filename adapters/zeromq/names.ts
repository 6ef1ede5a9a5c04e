/**
 * How channels of the hub are named in ZeroMQ.
 *
 * UTF-8 has no half surrogate pairs, so a channel that has one is written as JSON. Subscribers match by the start of a name,
 * not by the whole: `room:a` would also get what is for `room:ab`. The length in front of a name makes none the start of another.
 *
 * @module
 */

/**
 * The name of a channel: different channels have different names.
 *
 * @param channel What the hub calls it.
 */
export function nameOf(channel: string): string {
  return channel.isWellFormed() ? `c${channel}` : `j${JSON.stringify(channel)}`;
}
