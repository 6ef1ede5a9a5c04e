/**
 * The seam of histories: where the messages of topics with history are kept, in one order for the whole cluster. A hub
 * is given a store with `createHub(contract, { adapter, history })`, or by its adapter (`adapter.history`). Without one
 * each node keeps its own histories in memory.
 *
 * @module
 */

import type { Position } from "../contract/mod.ts";

/** How a message is to be kept. */
export interface AppendOptions {
  /** How many of the newest messages of the channel are kept. A store may keep some more. */
  readonly size: number;
  /** How long a message is kept, in milliseconds; `Infinity` for as long as there is room. */
  readonly ttlMs: number;
  /**
   * A second append with the same key on the same channel keeps nothing, and answers with the position of the first, for
   * at least as long as that message is kept, and not much longer: what comes with it then is a new message, and kept.
   */
  readonly idempotencyKey?: string;
  /**
   * Called where the key was known, before the answer: what is kept is what came with it first, which may be other data. Only stores
   * with {@linkcode HistoryStore.tellsKnown} call it.
   */
  onKnown?(): void;
  /**
   * Nobody comes back to the channel when what is kept on it has expired: then a store need not remember anything of it, and the channel
   * may begin again. It comes with every message of a channel, and only where `ttlMs` is finite.
   *
   * @default {false}
   */
  readonly brief?: boolean;
  /** Aborted when nobody waits any more. The message may be kept nevertheless. */
  readonly signal?: AbortSignal;
  /**
   * A transaction of the user's, of a client that the store knows: the message is kept, and published, when the transaction is
   * committed, and never if it is not. The hub gives it only to stores with {@linkcode HistoryStore.transactions}. A `TypeError` for
   * what is no transaction.
   */
  readonly tx?: unknown;
}

/** What to read of a channel. */
export interface ReadOptions {
  /** Messages after this position; absent: all that are kept. */
  readonly since?: Position;
  /**
   * At most so many. 0 asks for the position alone.
   *
   * @default {Infinity}
   */
  readonly limit?: number;
  /**
   * The newest first. With `limit`: the newest of those after `since`.
   *
   * @default {false}
   */
  readonly reverse?: boolean;
  /** Aborted when nobody waits any more. */
  readonly signal?: AbortSignal;
}

/** A message as a store keeps it. */
export interface StoredRecord {
  /** Its offset in the epoch that the answer's position names. */
  readonly offset: number;
  /** The data, exactly as it was appended. */
  readonly data: string;
  /**
   * How long ago it was appended, in milliseconds, when the store read it, by the store's own clock; never negative, and never less
   * than that of a later message. Subscribers of a store that does not tell cannot begin by time.
   */
  readonly ageMs?: number;
}

/** What a store answers to a read: all of it as of one moment. */
export interface StoredPage {
  /** Where the channel stands: its epoch, and the offset of the newest message; 0 before the first. */
  readonly position: Position;
  /**
   * Whether every message after `since` is still kept: `since` is of the present epoch, is not beyond the newest message,
   * and nothing between it and the oldest record that is kept is missing. `true` without `since`. When it is `false` the
   * records are those that a read without `since` would give.
   */
  readonly complete: boolean;
  /** The messages, without holes between them, the oldest first unless `reverse` was asked for. */
  readonly records: readonly StoredRecord[];
}

/** What the hub gives a store when it opens it. The callbacks never throw. */
export interface HistoryContext {
  /** The identity of this node, the same that its adapter is given. */
  readonly nodeId: string;
  /**
   * Hands over a message that another node has appended, where the store {@linkcode HistoryStore.publishes}, or one of this node's
   * that was appended within a transaction. Messages may come late, twice, or in another order than that of their offsets: the hub
   * puts them right. So a store may hand over all messages of this node, too.
   *
   * @param channel The channel.
   * @param position The message's position, as `append` has answered it on the other node.
   * @param data The data, exactly as it was appended.
   * @param from The node that appended it.
   */
  deliver(channel: string, position: Position, data: string, from: string): void;
  /** Reports what went wrong and no caller was told of. */
  onError(error: Error, info: { readonly channel?: string }): void;
}

/**
 * Keeps the messages of channels, in one order for all nodes of a cluster.
 *
 * What an implementer must keep:
 *
 * - **One order.** Every message of a channel gets the next offset: 1, 2, 3, … without holes, whichever node appends. What
 *   one node appends on a channel is kept in the order of its calls, also when the next call comes before the answer.
 * - **All or nothing.** When `append` resolves the message is kept, and every read that begins from then on, on any node,
 *   tells of it. When it rejects the message may be kept or not, but never in part. The code of a `HubError` tells which:
 *   `UNAVAILABLE` when it is certainly not kept and never will be (it was refused before it was sent, or the engine said no),
 *   `UNCERTAIN` when it may be (it was sent, and the link broke or nobody waited any more). Any other error counts as
 *   `UNCERTAIN`.
 * - **Epochs.** An epoch is text of at most 64 characters that is used for one channel once. While it lasts, offsets count
 *   on, also when all messages have expired, but for channels that are {@linkcode AppendOptions.brief}. A channel on which nothing was
 *   appended has one too, at offset 0, and its first message goes on in it. Whatever loses the count (data that was wiped, a restart of a store in memory,
 *   a replica that was behind) begins a new epoch, so that no position of before is mistaken for one of after.
 *   What a store still keeps of the epoch before it keeps at the offsets that it had, and what is new comes after it: so hubs tell
 *   what their subscribers have heard already.
 * - **Nothing is called complete that is not.** See {@linkcode StoredPage.complete}.
 * - **No slot for a name.** A read of a channel on which nothing was appended keeps nothing: clients make up names.
 * - **Bounded time.** When `signal` is aborted the promise rejects soon. The hub gives up by itself too.
 *
 * A store may answer at once instead of by a promise; then nothing waits. `@trunkline/hub/conformance` proves all of it
 * for any store.
 */
export interface HistoryStore {
  /** What it is, for errors: `"memory"`, `"redis"`. */
  readonly name: string;
  /**
   * Whether `append` also publishes the message to the other nodes that subscribe to the channel on the adapter, in one
   * step with keeping it: then they are handed it by {@linkcode HistoryContext.deliver}. Otherwise the hub publishes it
   * over its adapter once it is kept.
   */
  readonly publishes: boolean;
  /**
   * Whether {@linkcode AppendOptions.tx} may be given. Such a store hands the message over at the commit on every node, also on the one
   * that has appended it: `append` itself resolves before.
   *
   * @default {false}
   */
  readonly transactions?: boolean;
  /**
   * Whether {@linkcode AppendOptions.onKnown} is called whenever a key was known. Otherwise the hub takes it that each was, and reads
   * what is kept, once for every message that has a key.
   *
   * @default {false}
   */
  readonly tellsKnown?: boolean;
  /**
   * Makes the store ready for one node. Each hub that is given the store calls it once, before everything else but
   * `close`.
   *
   * @param context The node's identity and the callbacks.
   */
  open?(context: HistoryContext): void | Promise<void>;
  /**
   * Keeps a message.
   *
   * @param channel Any text: spaces, `*`, `:` and all of Unicode.
   * @param data Any text without lone surrogates, also an empty one.
   * @param options How to keep it.
   * @returns The message's position.
   */
  append(channel: string, data: string, options: AppendOptions): Position | Promise<Position>;
  /**
   * Reads what is kept.
   *
   * @param channel The channel.
   * @param options What to read.
   */
  read(channel: string, options?: ReadOptions): StoredPage | Promise<StoredPage>;
  /** Lets go of what has expired. The hub calls it every 10 seconds, for stores that have no timers. Does not throw. */
  sweep?(): void;
  /**
   * A hub does not need the store any more. What its node has appended stays for the others. Never rejects.
   *
   * @param nodeId The node, as in {@linkcode HistoryContext.nodeId}.
   */
  close?(nodeId: string): void | Promise<void>;
}
