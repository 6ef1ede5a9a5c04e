/**
 * What nodes at a proxy say to each other beside messages, as lists in JSON. To all others, against the stream of messages as
 * subscriptions go, and behind them: `["sync", prefix, id, token]`, `["bye", prefix, id]`. To one node alone, as messages go:
 * `["synced", id, token, sent, ids]`, and to itself `["mark", bytes]`.
 *
 * And what stands before the messages of a batch: which session has sent it, the number of the batch, and the number of the
 * last one before it on the same channel, by which a subscriber sees what it has missed.
 *
 * @module
 */

/** The number of a batch. */
export interface Chain {
  /** Who has sent it, since it was connected. */
  readonly session: string;
  readonly n: number;
  /** The batch before it on this channel; 0 where that is not known. */
  readonly prev: number;
}

/** Reads what came; whatever is no list is an empty one. */
export function readControl(frame: Uint8Array): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(frame));
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

/** Writes the number of a batch. */
export function toChain({ session, n, prev }: Chain): string {
  return `${session} ${n} ${prev}`;
}

/** Reads the number of a batch, if it is one. */
export function readChain(frame: Uint8Array): Chain | undefined {
  const [, session, n, prev] =
    new TextDecoder().decode(frame).match(/^([0-9a-f-]{36}) (\d{1,15}) (\d{1,15})$/) ?? [];
  return session === undefined ? undefined : { session, n: Number(n), prev: Number(prev) };
}
