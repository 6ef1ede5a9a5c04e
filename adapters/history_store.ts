/**
 * The interface of history stores. A store keeps the messages of topics with history, in one order for the whole
 * cluster. A hub gets its store from `createHub(contract, { adapter, history })`, or from its adapter
 * (`adapter.history`). Without a store each node keeps its own histories in memory.
 *
 * @module
 */

import type { Position } from "../contract/mod.ts";

/** How to keep a message. */
export interface AppendOptions {
  /** How many of the newest messages of the channel to keep. A store may keep some more. */
  readonly size: number;
  /** How long to keep a message, in milliseconds. `Infinity`: as long as there is room. */
  readonly ttlMs: number;
  /**
   * Keeps a message once per key and channel: a second append with the same key keeps nothing, and answers with the
   * position of the first. The store remembers the key at least as long as it keeps that message, and not much longer.
   * After that, an append with the same key keeps a new message.
   */
  readonly idempotencyKey?: string;
  /**
   * Called before the answer if the key was known. The kept message is the one from the first append; its data may
   * differ. Only stores with {@linkcode HistoryStore.tellsKnown} call it.
   */
  onKnown?(): void;
  /**
   * Whether the channel is out of use when all its messages have expired. The store may then forget the channel, and
   * the channel may begin again. The hub sets it for every message of such a channel, and only if `ttlMs` is finite.
   *
   * @default {false}
   */
  readonly brief?: boolean;
  /** Aborted when no caller waits any more. The store may still keep the message. */
  readonly signal?: AbortSignal;
  /**
   * A transaction of the application, on a client that the store knows. The store keeps and publishes the message when
   * the transaction is committed, and never if it is rolled back. The hub gives it only to stores with
   * {@linkcode HistoryStore.transactions}. The store throws a `TypeError` if the value is not a transaction.
   */
  readonly tx?: unknown;
}

/** Which messages of a channel to read. */
export interface ReadOptions {
  /** Only messages after this position. Absent: all kept messages. */
  readonly since?: Position;
  /**
   * The most messages to read. 0 asks for the position alone.
   *
   * @default {Infinity}
   */
  readonly limit?: number;
  /**
   * Whether the newest message comes first. With `limit`: the newest of those after `since`.
   *
   * @default {false}
   */
  readonly reverse?: boolean;
  /** Aborted when no caller waits any more. */
  readonly signal?: AbortSignal;
}

/** A message as a store keeps it. */
export interface StoredRecord {
  /** Its offset in the epoch of the page's position. */
  readonly offset: number;
  /** The data, exactly as it was appended. */
  readonly data: string;
  /**
   * How long ago the message was appended, in milliseconds, at the time of the read, by the store's own clock. At least
   * 0, and at least the age of each later message. If a store does not give it, subscribers cannot begin by time.
   */
  readonly ageMs?: number;
}

/** A store's answer to a read: its state at one moment. */
export interface StoredPage {
  /** The channel's position: its epoch, and the offset of its newest message; 0 before the first. */
  readonly position: Position;
  /**
   * Whether the store still keeps every message after `since`: `since` is of the present epoch and not beyond the
   * newest message, and no message between `since` and the oldest kept record is missing. `true` without `since`. If
   * `false`, the records are the same as for a read without `since`.
   */
  readonly complete: boolean;
  /** The messages without gaps, the oldest first unless `reverse` was asked for. */
  readonly records: readonly StoredRecord[];
}

/** What the hub gives a store when it opens it. The callbacks never throw. */
export interface HistoryContext {
  /** The identity of this node, the same as for its adapter. */
  readonly nodeId: string;
  /**
   * Hands over a message that another node has appended, if the store {@linkcode HistoryStore.publishes}. Also hands
   * over a message that this node has appended within a transaction. Messages may come late, twice, or not in the order
   * of their offsets: the hub puts them in order. So a store may also hand over all messages of this node.
   *
   * @param channel The channel.
   * @param position The message's position, the same that `append` has answered on the other node.
   * @param data The data, exactly as it was appended.
   * @param from The node that appended it.
   */
  deliver(channel: string, position: Position, data: string, from: string): void;
  /** Reports an error that no caller has got. */
  onError(error: Error, info: { readonly channel?: string }): void;
}

/**
 * Keeps the messages of channels, in one order for all nodes of a cluster.
 *
 * What an implementation must guarantee:
 *
 * - **One order.** Every message of a channel gets the next offset: 1, 2, 3, … without gaps, no matter which node
 *   appends. The store keeps the messages of one node on one channel in the order of its calls. This also holds when a
 *   call comes before the last answer.
 * - **All or nothing.** When `append` resolves, the store keeps the message, and every read that begins after that, on
 *   any node, shows it. When `append` rejects, the store keeps the message or not, but never a part of it. The code of
 *   the `HubError` tells which. `UNAVAILABLE`: the message is not kept and never will be (it was refused before it was
 *   sent, or the engine refused it). `UNCERTAIN`: the message may be kept (it was sent, and then the link broke or the
 *   caller stopped waiting). Any other error counts as `UNCERTAIN`.
 * - **Epochs.** An epoch is text of at most 64 characters; a channel never uses an epoch again. While the epoch
 *   lasts, offsets count on, also after all messages have expired; only {@linkcode AppendOptions.brief} channels may
 *   begin again. A channel without messages has an epoch too, at offset 0, and its first message continues that epoch.
 *   If the store loses the count (data was wiped, a store in memory restarted, a replica was behind), it begins a new
 *   epoch. So an old position cannot be taken for a new one. If the store still keeps messages of the epoch before,
 *   they keep their offsets, and new messages come after them. So hubs know which messages their subscribers already
 *   have.
 * - **`complete` is `true` only if it is certain.** See {@linkcode StoredPage.complete}.
 * - **Reads store nothing.** A read of an empty channel leaves nothing in the store, because clients may make up names.
 * - **Bounded time.** When `signal` is aborted, the promise rejects soon. The hub also gives up by itself.
 *
 * A store may answer at once instead of by a promise; then the hub does not wait. `@trunkline/hub/conformance` tests
 * all of this for any store.
 */
export interface HistoryStore {
  /** The kind of store, for errors: `"memory"`, `"redis"`. */
  readonly name: string;
  /**
   * Whether `append` also publishes the message to the other nodes that subscribe to the channel on the adapter, in the
   * same step. Those nodes get it by {@linkcode HistoryContext.deliver}. If `false`, the hub publishes the message over
   * its adapter once the store keeps it.
   */
  readonly publishes: boolean;
  /**
   * Whether the store takes {@linkcode AppendOptions.tx}. Such a store hands the message over at the commit on every
   * node, also on the node that has appended it: `append` itself resolves earlier.
   *
   * @default {false}
   */
  readonly transactions?: boolean;
  /**
   * Whether the store calls {@linkcode AppendOptions.onKnown} whenever a key was known. If `false`, the hub assumes
   * that each key was known, and reads the kept message once for every message with a key.
   *
   * @default {false}
   */
  readonly tellsKnown?: boolean;
  /**
   * Makes the store ready for one node. Each hub with this store calls it once, before every other call except `close`.
   *
   * @param context The node's identity and the callbacks.
   */
  open?(context: HistoryContext): void | Promise<void>;
  /**
   * Keeps a message.
   *
   * @param channel Any text: spaces, `*`, `:` and all of Unicode.
   * @param data Any text without lone surrogates, also an empty text.
   * @param options How to keep it.
   * @returns The message's position.
   */
  append(channel: string, data: string, options: AppendOptions): Position | Promise<Position>;
  /**
   * Reads the kept messages.
   *
   * @param channel The channel.
   * @param options Which messages to read.
   */
  read(channel: string, options?: ReadOptions): StoredPage | Promise<StoredPage>;
  /** Removes expired messages. The hub calls it every 10 seconds, for stores without timers. Does not throw. */
  sweep?(): void;
  /**
   * A hub does not need the store any more. The messages that its node has appended stay for the other nodes. Never
   * rejects.
   *
   * @param nodeId The node, as in {@linkcode HistoryContext.nodeId}.
   */
  close?(nodeId: string): void | Promise<void>;
}
