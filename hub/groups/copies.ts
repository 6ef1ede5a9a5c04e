/**
 * Copies of messages to several rooms, as they come in: one over each room's channel, in that channel's order.
 *
 * @module
 */

import type { Connection } from "../connection/connection.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";

/** How many messages are remembered at the most, twice over. */
const MAX_REMEMBERED = 4_096;

/** A message of which more copies are expected. */
export interface Copied {
  /** What to send. */
  readonly message: OutgoingMessage;
  /** Who has got it. */
  readonly reached: Set<Connection>;
  /** The channels over which it has yet to come. */
  readonly awaited: Set<string>;
}

/** What has arrived over one channel at least; the older half is forgotten first. */
export class Copies {
  /** By the messages' ids; nothing for those of which no copy matters any more. */
  #recent = new Map<string, Copied | undefined>();
  #older = new Map<string, Copied | undefined>();

  /** Whether something of a message has arrived. */
  has(id: string): boolean {
    return this.#recent.has(id) || this.#older.has(id);
  }

  /**
   * Takes a copy of a message that {@linkcode has} arrived before.
   *
   * @param id The message's id.
   * @param channel Where the copy came from.
   * @returns The message, if the copy matters.
   */
  take(id: string, channel: string): Copied | undefined {
    const copied = this.#recent.get(id) ?? this.#older.get(id);
    copied?.awaited.delete(channel);
    if (copied?.awaited.size === 0) this.add(id); // whoever got it need not be remembered any longer
    return copied;
  }

  /**
   * Remembers a message.
   *
   * @param id The message's id.
   * @param copied What else is to come of it, if anything is.
   */
  add(id: string, copied?: Copied): void {
    this.#older.delete(id);
    this.#recent.set(id, copied);
    if (this.#recent.size >= MAX_REMEMBERED) this.sweep();
  }

  /** Forgets the older half; call it at least as rarely as copies of one message may lag. */
  sweep(): void {
    this.#older = this.#recent;
    this.#recent = new Map();
  }
}
