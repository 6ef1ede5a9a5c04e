/**
 * Reads sockets by looking at them again and again.
 *
 * The library would tell when something comes: it watches descriptors through libuv. On Deno 2.9 every second of these signals
 * gets lost, so that a message lies there until the next one comes, and a socket that is closed while it is watched may end the
 * process with a segmentation fault. So nothing here ever waits within the library: all sockets have timeouts of 0.
 *
 * @module
 */

import { type Clock, systemClock } from "../../contract/clock.ts";
import type { AnySocket } from "./library.ts";

/** How often to look while messages come, in milliseconds. */
const BUSY_MS = 1;
/** How often to look when nothing has come for a while: what a first message may be late. */
const IDLE_MS = 10;
/** How long it takes until nothing has come for a while. */
const BUSY_FOR_MS = 50;
/** After so many messages others get their turn. */
const MAX_IN_A_ROW = 200;

/** What comes on a socket. */
export interface Listener {
  /** A message. Does not throw. */
  onMessage(frames: readonly Uint8Array[]): void;
  /** A socket that connects, and only once, has lost its connection, and all that had come was told. */
  onGone?(): void;
  /** All that had come was told. */
  onDrained?(): void;
}

/** Reads the sockets of one node. */
export class Pump {
  readonly #sockets = new Map<AnySocket, Listener>();
  /** The clock of the process: sockets know no other. */
  readonly #clock: Clock = systemClock;
  readonly #isAwaited: () => boolean;
  #busyUntil = 0;
  #cancel = () => {};
  #running = false;
  #closed = false;

  /** @param isAwaited Whether somebody waits for what may come: else the process may end when it has nothing else to do. */
  constructor(isAwaited: () => boolean) {
    this.#isAwaited = isAwaited;
  }

  /** Begins to read a socket. */
  add(socket: AnySocket, listener: Listener): void {
    this.#sockets.set(socket, listener);
    this.hurry();
  }

  /** Reads a socket no more. */
  remove(socket: AnySocket): void {
    this.#sockets.delete(socket);
  }

  /** Looks at once, and often for a while: an answer is due. */
  hurry(): void {
    if (this.#closed) return;
    const wasIdle = this.#clock.now() > this.#busyUntil;
    this.#busyUntil = this.#clock.now() + BUSY_FOR_MS;
    if (wasIdle && !this.#running) this.#plan();
  }

  /** Ends. */
  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#sockets.clear();
  }

  #plan(): void {
    this.#cancel();
    if (this.#closed) return;
    const ms = this.#clock.now() > this.#busyUntil ? IDLE_MS : BUSY_MS;
    this.#cancel = this.#clock.after(ms, () => void this.#look(), { background: !this.#isAwaited() });
  }

  async #look(): Promise<void> {
    this.#running = true;
    let count = 0;
    let more = true;
    while (more && count < MAX_IN_A_ROW) {
      more = false;
      for (const [socket, listener] of this.#sockets) {
        // Without a limit of what it takes a socket takes everything, unless there is no connection. Asked before it is read:
        // what came before the end is told before it.
        const gone = listener.onGone && !socket.closed && !socket.writable;
        while (count < MAX_IN_A_ROW && !socket.closed && socket.readable) {
          const frames = await socket.receive().catch(() => undefined); // at once
          if (!frames) break;
          count++;
          more = true;
          if (this.#sockets.get(socket) === listener) listener.onMessage(frames);
        }
        if (count >= MAX_IN_A_ROW || this.#sockets.get(socket) !== listener) continue;
        listener.onDrained?.();
        if (gone) listener.onGone?.();
      }
    }
    this.#running = false;
    if (count > 0) this.#busyUntil = this.#clock.now() + BUSY_FOR_MS;
    if (count < MAX_IN_A_ROW) this.#plan();
    else if (!this.#closed) this.#clock.endOfTurn(() => void this.#look());
  }
}
