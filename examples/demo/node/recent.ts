/**
 * The latest messages of every room. Each node keeps all of them, so that a window which moves to another node finds
 * there what it missed.
 *
 * @module
 */

import type { Message, RoomName } from "../contract.ts";

const KEPT = 100;

/** What was said lately. */
export class Recent {
  readonly #rooms = new Map<RoomName, Message[]>();

  /**
   * Keeps a message.
   *
   * @returns Whether it is new; the same one may come twice.
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

  /** The message of an id, if it was said. */
  find(room: RoomName, id: string): Message | undefined {
    return this.of(room).find((message) => message.id === id);
  }

  /** A room's messages, the oldest first. */
  of(room: RoomName): Message[] {
    return this.#rooms.get(room) ?? [];
  }

  /** All messages. */
  all(): Message[] {
    return [...this.#rooms.values()].flat();
  }
}
