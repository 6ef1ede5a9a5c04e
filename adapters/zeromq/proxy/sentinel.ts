/**
 * A bare TCP connection to a proxy that sends nothing. It breaks when the proxy stops. ZeroMQ sockets do not report
 * that.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import type { SystemAddress } from "../addresses.ts";

/** A connection that ends earlier did not reach a proxy, in milliseconds. */
const MIN_LIFE_MS = 1_000;

/** Keeps one connection open, and replaces it when it ends. */
export class Sentinel {
  readonly #place: SystemAddress;
  readonly #onBroken: () => void;
  readonly #onRefused: () => void;
  #socket: Socket | undefined;
  #closed = false;

  /**
   * @param place The address of the proxy.
   * @param onBroken The connection has ended. A proxy closes connections that are silent for long, so a new one is
   * opened.
   * @param onRefused No process listens at the address any more.
   */
  constructor(place: SystemAddress, onBroken: () => void, onRefused: () => void) {
    this.#place = place;
    this.#onBroken = onBroken;
    this.#onRefused = onRefused;
    this.#connect();
  }

  /** Closes the connection. */
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
    socket.resume(); // reads all data, so that the end is seen
    socket.once("close", () => {
      if (this.#closed) return;
      if (!(performance.now() - since >= MIN_LIFE_MS)) return this.#onRefused();
      this.#onBroken();
      this.#connect();
    });
  }
}
