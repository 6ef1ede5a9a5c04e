/**
 * A bare connection to a proxy that says nothing: it breaks when the proxy ends, which sockets of ZeroMQ keep to themselves.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import type { SystemAddress } from "../addresses.ts";

/** A connection that ends sooner has reached nothing that listens, in milliseconds. */
const MIN_LIFE_MS = 1_000;

/** One connection after the other. */
export class Sentinel {
  readonly #place: SystemAddress;
  readonly #onBroken: () => void;
  readonly #onRefused: () => void;
  #socket: Socket | undefined;
  #closed = false;

  /**
   * @param place Where the proxy is.
   * @param onBroken The connection has ended, as a proxy ends those that say nothing for long. Another one is made.
   * @param onRefused Nobody listens there any more.
   */
  constructor(place: SystemAddress, onBroken: () => void, onRefused: () => void) {
    this.#place = place;
    this.#onBroken = onBroken;
    this.#onRefused = onRefused;
    this.#connect();
  }

  /** Ends it. */
  close(): void {
    this.#closed = true;
    this.#socket?.destroy();
  }

  #connect(): void {
    const socket = connect(this.#place);
    this.#socket = socket;
    let since = Infinity;
    socket.unref();
    socket.once("connect", () => since = performance.now());
    socket.on("error", () => {}); // "close" follows
    socket.resume(); // to see its end
    socket.once("close", () => {
      if (this.#closed) return;
      if (!(performance.now() - since >= MIN_LIFE_MS)) return this.#onRefused();
      this.#onBroken();
      this.#connect();
    });
  }
}
