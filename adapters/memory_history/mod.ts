/**
 * Histories in the memory of this process. By default every hub has its own. Several hubs of one process may share one:
 * then a client recovers its messages on any of them.
 *
 * @example Two hubs of one process with one history
 * ```ts
 * import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub/adapters/memory";
 * import { createMemoryHistory } from "@trunkline/hub/adapters/memory-history";
 *
 * const bus = createMemoryBus();
 * const history = createMemoryHistory({ maxBytes: 16 * 1024 * 1024 });
 * const options = () => ({ adapter: createMemoryAdapter({ bus }), history });
 * // createHub(contract, { authenticate, ...options() }), once for each hub
 * ```
 *
 * @module
 */

import { type Clock, type Position, systemClock } from "../../contract/mod.ts";
import { clock, count } from "../../contract/options/option_kinds.ts";
import { or, readOptions, type Rows } from "../../contract/options/read_options.ts";
import type { AppendOptions, HistoryStore, ReadOptions, StoredPage } from "../history_store.ts";
import { HistoryLog } from "./log.ts";

/** How many positions are remembered, as a multiple of `maxChannels`. */
const POSITIONS_FACTOR = 10;

/** Options of {@linkcode createMemoryHistory}. */
export interface MemoryHistoryOptions {
  /**
   * How many channels may keep messages. Above this limit the channel that was unused for longest loses its messages.
   * Its position stays, so its subscribers see no gap.
   *
   * @default {10000}
   */
  readonly maxChannels?: number;
  /**
   * How many bytes all messages together may take: their UTF-8 text, and 64 bytes more for each message. Above this
   * limit the channel that was unused for longest loses its messages.
   *
   * @default {67108864}
   */
  readonly maxBytes?: number;
  /**
   * The source of time.
   *
   * @default {systemClock}
   */
  readonly clock?: Clock;
}

/** A {@linkcode HistoryStore} in memory. Its calls return at once. */
export interface MemoryHistory extends HistoryStore {
  /** How many channels keep messages. */
  readonly channels: number;
  /** How many bytes the messages take. */
  readonly bytes: number;
  /** See {@linkcode HistoryStore.append}. Returns at once. */
  append(channel: string, data: string, options: AppendOptions): Position;
  /** See {@linkcode HistoryStore.read}. Returns at once. */
  read(channel: string, options?: ReadOptions): StoredPage;
  /** Removes expired messages, and nothing else. */
  sweep(): void;
}

/**
 * Creates a store in the memory of this process. The messages are lost when the process ends.
 *
 * @param options The limits.
 * @throws {RangeError} If a limit is not a number above 0.
 */
export function createMemoryHistory(options?: MemoryHistoryOptions): MemoryHistory {
  return new MemoryStore(options);
}

const OPTIONS = {
  maxChannels: or(count({ max: Infinity }), 10_000),
  maxBytes: or(count({ max: Infinity }), 64 * 1024 * 1024),
  clock: or(clock, systemClock),
} satisfies Rows<MemoryHistoryOptions>;

class MemoryStore implements MemoryHistory {
  readonly name = "memory";
  readonly publishes = false;
  readonly tellsKnown = true;
  readonly #maxChannels: number;
  readonly #maxBytes: number;
  readonly #clock: Clock;
  /** The channels that keep messages. The channel unused for longest is first. */
  readonly #logs = new Map<string, HistoryLog>();
  /** The positions of channels that no longer keep messages. The oldest is first. */
  readonly #positions = new Map<string, Position>();
  /** The epoch of channels without a remembered position: nothing was appended on them, as far as the store remembers. */
  #untouched: string = crypto.randomUUID();
  #bytes = 0;
  /** The channel and log used last. */
  #latest: readonly [channel: string, log: HistoryLog] | undefined;

  constructor(options: MemoryHistoryOptions | undefined) {
    const { maxChannels, maxBytes, clock } = readOptions("createMemoryHistory", options, OPTIONS);
    this.#maxChannels = maxChannels;
    this.#maxBytes = maxBytes;
    this.#clock = clock;
  }

  get channels(): number {
    return this.#logs.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  append(channel: string, data: string, options: AppendOptions): Position {
    const log = this.#use(channel) ?? this.#begin(channel, options.brief);
    const before = log.bytes;
    const offset = log.append(data, options);
    this.#bytes += log.bytes - before;
    if (this.#logs.size > this.#maxChannels || this.#bytes > this.#maxBytes || log.empty) {
      this.#makeRoom(channel, log);
    }
    return [log.epoch, offset];
  }

  read(channel: string, options: ReadOptions = {}): StoredPage {
    const log = this.#use(channel);
    if (log) return this.#change(log, () => log.read(options));
    const position = this.#position(channel);
    const { since } = options;
    const complete = since === undefined || (since[0] === position[0] && since[1] === position[1]);
    return { position, complete, records: [] };
  }

  sweep(): void {
    for (const [channel, log] of this.#logs) {
      this.#change(log, () => log.expire());
      if (log.empty) this.#empty(channel, log);
    }
  }

  /** The log of a channel. Marks it as used last. */
  #use(channel: string): HistoryLog | undefined {
    const [latest] = this.#latest ?? [];
    if (latest === channel) return this.#latest![1]; // messages of one channel often follow each other
    const log = this.#logs.get(channel);
    if (!log) return undefined;
    this.#logs.delete(channel);
    return this.#set(channel, log);
  }

  #begin(channel: string, brief = false): HistoryLog {
    const position: Position = brief ? [crypto.randomUUID(), 0] : this.#position(channel);
    const log = new HistoryLog(position, this.#clock);
    this.#positions.delete(channel);
    return this.#set(channel, log);
  }

  #set(channel: string, log: HistoryLog): HistoryLog {
    this.#logs.set(channel, log);
    this.#latest = [channel, log];
    return log;
  }

  #position(channel: string): Position {
    return this.#positions.get(channel) ?? [this.#untouched, 0];
  }

  /** Changes a log, and updates the total size. */
  #change<T>(log: HistoryLog, act: () => T): T {
    const before = log.bytes;
    const result = act();
    this.#bytes += log.bytes - before;
    return result;
  }

  /**
   * Keeps the limits. Empties the channels unused for longest. If one channel alone is too large, drops its oldest
   * messages.
   */
  #makeRoom(channel: string, own: HistoryLog): void {
    while (this.#logs.size > this.#maxChannels || (this.#bytes > this.#maxBytes && this.#logs.size > 1)) {
      const [[oldest, log]] = this.#logs as unknown as [[string, HistoryLog]];
      this.#empty(oldest, log);
    }
    while (this.#bytes > this.#maxBytes && !own.empty) this.#change(own, () => own.drop());
    if (own.empty) this.#empty(channel, own);
  }

  /** Removes the messages of a channel, and remembers its position. */
  #empty(channel: string, log: HistoryLog): void {
    this.#bytes -= log.bytes;
    this.#logs.delete(channel);
    if (this.#latest?.[0] === channel) this.#latest = undefined;
    if (log.brief) return;
    this.#positions.set(channel, [log.epoch, log.last]);
    if (this.#positions.size <= this.#maxChannels * POSITIONS_FACTOR) return;
    for (const [oldest] of this.#positions) {
      this.#positions.delete(oldest);
      break;
    }
    // When a client returns to the forgotten channel, it must see that the channel was used before.
    this.#untouched = crypto.randomUUID();
  }
}
