/**
 * Tracks the copies of a message to several rooms. One copy arrives over each room's channel, in that channel's order.
 *
 * @module
 */

import type { Connection } from "../connection/connection.ts";
import type { OutgoingMessage } from "../outbox/outgoing_message.ts";

/** The size of each half: at most twice as many messages are remembered. */
const MAX_REMEMBERED = 4_096;

/** A message of which more copies are expected. */
export interface Copied {
  /** What to send. */
  readonly message: OutgoingMessage;
  /** The connections that have got it. */
  readonly reached: Set<Connection>;
  /** The channels whose copy has not arrived yet. */
  readonly awaited: Set<string>;
}

/** The messages of which a copy has arrived. The older half is forgotten first. */
export class Copies {
  /** By message id; `undefined` when later copies of the message do not matter. */
  #recent = new Map<string, Copied | undefined>();
  #older = new Map<string, Copied | undefined>();

  /** Whether a copy of a message has arrived. */
  has(id: string): boolean {
    return this.#recent.has(id) || this.#older.has(id);
  }

  /**
   * Takes a further copy of a message; see {@linkcode has}.
   *
   * @param id The message's id.
   * @param channel Where the copy came from.
   * @returns The message, if the copy matters.
   */
  take(id: string, channel: string): Copied | undefined {
    const copied = this.#recent.get(id) ?? this.#older.get(id);
    copied?.awaited.delete(channel);
    if (copied?.awaited.size === 0) this.add(id); // the last copy: the connections need not be remembered
    return copied;
  }

  /**
   * Remembers a message.
   *
   * @param id The message's id.
   * @param copied The message and its missing copies; left out if later copies do not matter.
   */
  add(id: string, copied?: Copied): void {
    this.#older.delete(id);
    this.#recent.set(id, copied);
    if (this.#recent.size >= MAX_REMEMBERED) this.sweep();
  }

  /** Forgets the older half. The time between two calls must be longer than the copies of one message can lag. */
  sweep(): void {
    this.#older = this.#recent;
    this.#recent = new Map();
  }
}
