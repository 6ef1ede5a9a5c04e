/**
 * The history of a topic on one node, with the epoch and offsets that clients see. The store has another epoch and
 * other offsets.
 *
 * @module
 */

import type { AppendOptions, HistoryStore, ReadOptions, StoredPage } from "../../adapters/history_store.ts";
import type { HistoryDefinition, Position } from "../../contract/mod.ts";
import { Arrivals } from "./arrivals.ts";

/** A store that answers without promises, like the memory store. */
export interface InstantStore extends HistoryStore {
  append(channel: string, data: string, options: AppendOptions): Position;
  read(channel: string, options?: ReadOptions): StoredPage;
}

/**
 * The history of one topic on this node alone. When the store forgets messages to make room, offsets still continue.
 * Only a missed message begins a new epoch.
 */
export class NodeLog {
  /** The arrived messages of other nodes. */
  readonly arrivals = new Arrivals();
  /** The run in which this node numbers its messages to other nodes. */
  readonly run: string = crypto.randomUUID();
  /** How many messages it has sent to other nodes in this run. */
  sent = 0;
  readonly #channel: string;
  readonly #store: InstantStore;
  readonly #definition: HistoryDefinition;
  #epoch = this.run;
  #last: number;
  /** History is complete only after this offset. Up to it, messages may be missing or no longer kept. */
  #base: number;
  #storeEpoch: string;
  /** The difference to the offsets of the store. */
  #shift = 0;

  /**
   * @param channel The topic's channel.
   * @param store The store of the messages.
   * @param definition How much history to keep.
   */
  constructor(channel: string, store: InstantStore, definition: HistoryDefinition) {
    this.#channel = channel;
    this.#store = store;
    this.#definition = definition;
    const [epoch, last] = store.read(channel, { limit: 0 }).position;
    this.#storeEpoch = epoch;
    this.#last = this.#base = last;
  }

  /** The position: the epoch and the last offset. */
  get position(): Position {
    return [this.#epoch, this.#last];
  }

  /** Whether the store keeps no message of it. */
  get empty(): boolean {
    return this.#store.read(this.#channel, { limit: 1 }).records.length === 0;
  }

  /**
   * Keeps a message.
   *
   * @returns Its offset, and whether it is new.
   */
  append(data: string, idempotencyKey?: string): { readonly offset: number; readonly fresh: boolean } {
    const { size, ttlMs = Infinity } = this.#definition;
    const [epoch, stored] = this.#store.append(this.#channel, data, { size, ttlMs, idempotencyKey });
    if (epoch !== this.#storeEpoch) { // the store has forgotten this channel since
      this.#storeEpoch = epoch;
      this.#base = this.#last;
      this.#shift = this.#last + 1 - stored;
    }
    const offset = stored + this.#shift;
    const fresh = offset > this.#last;
    if (fresh) this.#last = offset;
    return { offset, fresh };
  }

  /** Reads the history. */
  read({ since, ...options }: ReadOptions = {}): StoredPage {
    const known = since === undefined ||
      (since[0] === this.#epoch && since[1] >= this.#base && since[1] <= this.#last);
    const from: Position | undefined = known && since
      ? [this.#storeEpoch, since[1] - this.#shift]
      : undefined;
    const { complete, records } = this.#store.read(this.#channel, { ...options, since: from });
    return {
      position: this.position,
      complete: known && complete,
      records: this.#shift === 0
        ? records
        : records.map((record) => ({ ...record, offset: record.offset + this.#shift })),
    };
  }

  /** Begins a new epoch: messages may have been missed, so the earlier history may be incomplete. */
  renew(): void {
    this.#epoch = crypto.randomUUID();
    this.#base = this.#last;
  }
}
