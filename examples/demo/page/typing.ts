/**
 * Who is typing: told to others now and then, and forgotten soon.
 *
 * @module
 */

import type { RoomName } from "../contract.ts";
import { byId, setText } from "./dom.ts";

/** Others are told at most once in so many milliseconds. */
const TELL_MS = 1_500;
/** Who was not heard of for so long types no more. */
const FORGET_MS = 3_500;

/** The line that says who is typing. */
export class TypingLine {
  readonly #line = byId("typing");
  readonly #tell: (room: RoomName) => void;
  readonly #timers = new Map<
    string,
    { room: RoomName; name: string; timer: ReturnType<typeof setTimeout> }
  >();
  #room: RoomName | undefined;
  #toldAt = -Infinity;

  /** @param tell Tells the others of the room. */
  constructor(tell: (room: RoomName) => void) {
    this.#tell = tell;
  }

  /** The user has typed. */
  typed(room: RoomName): void {
    if (performance.now() - this.#toldAt < TELL_MS) return;
    this.#toldAt = performance.now();
    this.#tell(room);
  }

  /** The user has sent what was typed; the next letter is news. */
  sent(): void {
    this.#toldAt = -Infinity;
  }

  /** Somebody types. */
  heard(room: RoomName, name: string): void {
    this.#forget(room, name);
    const timer = setTimeout(() => this.stopped(room, name), FORGET_MS);
    this.#timers.set(`${room} ${name}`, { room, name, timer });
    this.#render();
  }

  /** Somebody has stopped. */
  stopped(room: RoomName, name: string): void {
    this.#forget(room, name);
    this.#render();
  }

  /** Shows who types in a room. */
  show(room: RoomName): void {
    this.#room = room;
    this.#render();
  }

  #forget(room: RoomName, name: string): void {
    const key = `${room} ${name}`;
    clearTimeout(this.#timers.get(key)?.timer);
    this.#timers.delete(key);
  }

  #render(): void {
    const names = [...this.#timers.values()].filter(({ room }) => room === this.#room).map(({ name }) =>
      name
    );
    const [first, second] = names;
    setText(
      this.#line,
      names.length === 0
        ? ""
        : names.length === 1
        ? `${first} is typing…`
        : names.length === 2
        ? `${first} and ${second} are typing…`
        : `${names.length} people are typing…`,
    );
  }
}
