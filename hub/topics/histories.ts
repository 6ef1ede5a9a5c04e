/**
 * The logs of this node's topics with history: made when first needed, bounded in number, and each with a share in
 * its topic's channel for as long as it lives, because a log must not miss what other nodes publish.
 *
 * @module
 */

import type { Clock, HistoryDefinition } from "../../contract/mod.ts";
import { Arrivals } from "./arrivals.ts";
import { TopicLog } from "./topic_log.ts";
import type { Interest } from "../backplane/interest.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";

/** What a log keeps of a message. */
export interface Kept {
  /** As the publisher meant it. */
  readonly payload: unknown;
  /** As subscribers were sent it: who comes back gets the same, whatever became of the payload since. */
  readonly message: OutgoingMessage;
}

interface OpenLog {
  readonly log: TopicLog<Kept>;
  readonly arrivals: Arrivals;
  /** How many messages this node has sent to the others. */
  sent: number;
  release(): void;
}

/** What {@linkcode Histories} needs. */
export interface HistoriesOptions {
  /** The channels that this node listens to. */
  readonly interest: Interest;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How many logs are kept; those that somebody subscribes to do not count as spare. */
  readonly max: number;
  /** Whether no other node can publish, so that a log is complete from the start. */
  readonly solitary: boolean;
  /** Whether anybody on this node subscribes to a channel. */
  isUsed(channel: string): boolean;
  /** A log has begun a new epoch, because messages may have been missed. */
  onRenewed(channel: string, log: TopicLog<Kept>): void;
}

/** The logs of a node. */
export class Histories {
  readonly #options: HistoriesOptions;
  readonly #logs = new Map<string, OpenLog>();

  /** @param options What it needs. */
  constructor(options: HistoriesOptions) {
    this.#options = options;
  }

  /** How many logs there are. */
  get size(): number {
    return this.#logs.size;
  }

  /** The log of a channel, if there is one. */
  peek(channel: string): TopicLog<Kept> | undefined {
    return this.#logs.get(channel)?.log;
  }

  /**
   * The log of a channel, made when there is none. It becomes the one used last.
   *
   * @param channel The topic's channel.
   * @param definition How much it keeps.
   */
  open(channel: string, definition: HistoryDefinition): TopicLog<Kept> {
    const held = this.#logs.get(channel) ?? this.#create(channel, definition);
    this.#logs.delete(channel);
    this.#logs.set(channel, held);
    if (this.#logs.size > this.#options.max) this.#evict();
    return held.log;
  }

  /**
   * Numbers what this node is about to send to the others, of a topic whose log is open.
   *
   * @returns The number, and what counts it once nothing can fail any more.
   */
  number(channel: string): { readonly number: number; count(): void } {
    const held = this.#logs.get(channel);
    const number = (held?.sent ?? 0) + 1;
    return {
      number,
      count() {
        if (held) held.sent = number;
      },
    };
  }

  /** A message of another node has arrived, before it is taken: begins a new epoch when one before it is missing. */
  arrived(channel: string, from: string, number: number): void {
    const held = this.#logs.get(channel);
    if (held && !held.arrivals.take(from, number)) this.#renew(channel, held.log);
  }

  /** Begins a new epoch of one log: a message is missing. */
  renew(channel: string): void {
    const held = this.#logs.get(channel);
    if (held) this.#renew(channel, held.log);
  }

  /** Begins a new epoch everywhere: the backplane was away, and what was published meanwhile is missing. */
  renewAll(): void {
    for (const [channel, { log, arrivals }] of this.#logs) {
      arrivals.clear();
      this.#renew(channel, log);
    }
  }

  /** Forgets logs that keep nothing any more and that nobody subscribes to. Call it now and then. */
  sweep(): void {
    for (const [channel, { log }] of this.#logs) {
      if (log.empty && !this.#options.isUsed(channel)) this.#forget(channel);
    }
  }

  /** Forgets everything. */
  close(): void {
    for (const channel of [...this.#logs.keys()]) this.#forget(channel);
  }

  #create(channel: string, definition: HistoryDefinition): OpenLog {
    const { interest, clock, solitary } = this.#options;
    const log = new TopicLog<Kept>(definition, clock);
    const wasLive = solitary || interest.isLive(channel);
    const { release } = interest.keep(channel, () => wasLive || this.#renew(channel, log));
    return { log, release, arrivals: new Arrivals(), sent: 0 };
  }

  #renew(channel: string, log: TopicLog<Kept>): void {
    log.renew();
    this.#options.onRenewed(channel, log);
  }

  #evict(): void {
    for (const channel of this.#logs.keys()) {
      if (!this.#options.isUsed(channel)) return this.#forget(channel);
    }
  }

  #forget(channel: string): void {
    this.#logs.get(channel)?.release();
    this.#logs.delete(channel);
  }
}
