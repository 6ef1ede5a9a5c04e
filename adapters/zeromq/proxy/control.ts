/**
 * Control messages between the nodes at a proxy, as JSON lists.
 *
 * - To all others: `["sync", prefix, id, token]` and `["bye", prefix, id]`. These go against the stream of messages,
 *   like subscriptions, and arrive after earlier subscriptions.
 * - To one node alone, like a message: `["synced", id, token, sent, ids]`.
 * - To the sending node itself: `["mark", bytes]`.
 *
 * Three values come before the messages of a batch: the sender's session, the number of the batch, and the number of
 * the previous batch on the same channel. With these a subscriber sees what it has missed.
 *
 * @module
 */

/** The numbers of a batch. */
export interface Chain {
  /** The session of the sender: one connection to the proxy. */
  readonly session: string;
  readonly n: number;
  /** The number of the previous batch on this channel. 0 if it is not known. */
  readonly prev: number;
}

/** Reads a control message. Returns an empty list for anything but a list. */
export function readControl(frame: Uint8Array): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(frame));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** Writes the numbers of a batch. */
export function toChain({ session, n, prev }: Chain): string {
  return `${session} ${n} ${prev}`;
}

/** Reads the numbers of a batch. Returns `undefined` for other texts. */
export function readChain(frame: Uint8Array): Chain | undefined {
  const [, session, n, prev] =
    new TextDecoder().decode(frame).match(/^([0-9a-f-]{36}) (\d{1,15}) (\d{1,15})$/) ?? [];
  return session === undefined ? undefined : { session, n: Number(n), prev: Number(prev) };
}
