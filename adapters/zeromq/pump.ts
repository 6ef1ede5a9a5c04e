/**
 * Reads sockets by polling.
 *
 * The library could signal a new message, because it watches descriptors with libuv. But on Deno 2.9 every second
 * signal gets lost. Then a message stays unread until the next one arrives. A socket that is closed while it is watched
 * may even end the process with a segmentation fault. So the adapter never waits within the library: all sockets have
 * timeouts of 0.
 *
 * @module
 */

import { type Clock, systemClock } from "../../contract/clock.ts";
import type { AnySocket } from "./library.ts";

/** How often to poll while messages arrive, in milliseconds. */
const BUSY_MS = 1;
/** How often to poll when no message has arrived for a while: the largest delay of a first message. */
const IDLE_MS = 10;
/** After how long without a message the polling slows down. */
const BUSY_FOR_MS = 50;
/** After this many messages, other work gets its turn. */
const MAX_IN_A_ROW = 200;

/** The callbacks for a socket. */
export interface Listener {
  /** A message has arrived. Must not throw. */
  onMessage(frames: readonly Uint8Array[]): void;
  /** A socket that connects only once has lost its connection. Called after all messages that had arrived. */
  onGone?(): void;
  /** All messages that had arrived were passed on. */
  onDrained?(): void;
}

/** Reads the sockets of one node. */
export class Pump {
  readonly #sockets = new Map<AnySocket, Listener>();
  /** Sockets run in real time, so tests cannot replace this clock. */
  readonly #clock: Clock = systemClock;
  readonly #isAwaited: () => boolean;
  #busyUntil = 0;
  #cancel = () => {};
  #running = false;
  #closed = false;

  /** @param isAwaited Whether a caller waits for a message. Only then does the polling keep the process alive. */
  constructor(isAwaited: () => boolean) {
    this.#isAwaited = isAwaited;
  }

  /** Starts to read a socket. */
  add(socket: AnySocket, listener: Listener): void {
    this.#sockets.set(socket, listener);
    this.hurry();
  }

  /** Stops reading a socket. */
  remove(socket: AnySocket): void {
    this.#sockets.delete(socket);
  }

  /** Polls at once, and often for a while: an answer is expected. */
  hurry(): void {
    if (this.#closed) return;
    const wasIdle = this.#clock.now() > this.#busyUntil;
    this.#busyUntil = this.#clock.now() + BUSY_FOR_MS;
    if (wasIdle && !this.#running) this.#plan();
  }

  /** Stops. */
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
        // A socket without a high-water mark is writable as long as it has a connection. This check comes before the
        // read, so that all earlier messages are passed on before `onGone`.
        const gone = listener.onGone && !socket.closed && !socket.writable;
        while (count < MAX_IN_A_ROW && !socket.closed && socket.readable) {
          const frames = await socket.receive().catch(() => undefined); // returns at once
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
