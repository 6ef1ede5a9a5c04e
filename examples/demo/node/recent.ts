/**
 * The latest messages of every room. Each node keeps all of them, so a window that moves to another node finds its missed
 * messages there.
 *
 * @module
 */

import type { Message, RoomName } from "../contract.ts";

const KEPT = 100;

/** The latest messages. */
export class Recent {
  readonly #rooms = new Map<RoomName, Message[]>();

  /**
   * Keeps a message.
   *
   * @returns Whether it is new; the same message may come twice.
   */
  add(message: Message): boolean {
    const messages = this.of(message.room);
    if (messages.some(({ id }) => id === message.id)) return false;
    messages.push(message);
    messages.sort((a, b) => a.at - b.at);
    if (messages.length > KEPT) messages.shift();
    this.#rooms.set(message.room, messages);
    return true;
  }

  /** The message with an id, if there is one. */
  find(room: RoomName, id: string): Message | undefined {
    return this.of(room).find((message) => message.id === id);
  }

  /** A room's messages, the oldest first. */
  of(room: RoomName): Message[] {
    return this.#rooms.get(room) ?? [];
  }

  /** The time for the next message in a room: never before the last one, also if the clock was set back. */
  timeIn(room: RoomName): number {
    return Math.max(Date.now(), this.of(room).at(-1)?.at ?? 0);
  }

  /** All messages. */
  all(): Message[] {
    return [...this.#rooms.values()].flat();
  }
}
