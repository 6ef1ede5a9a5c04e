/**
 * Connections within this process. A random generator decides when how many bytes come, so that its seed repeats a run.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { EventEmitter } from "node:events";
import { setImmediate } from "node:timers";
import type { RedisOptions } from "ioredis";
import type { Random } from "../../load/random.ts";

/** About the length of a command, so that a node most often reads less than what was sent in one write. */
const PIECE = 150;

/** One end of a connection, with the part of a socket that ioredis uses. Text is latin1, a character for each byte. */
export class WireEnd extends EventEmitter {
  /** The other end. */
  readonly peer: WireEnd;
  readonly #wires: Wires;
  readonly #isServer: boolean;
  connecting = true;
  destroyed = false;
  #waiting = "";
  #isEnding = false;

  /**
   * @param wires All connections.
   * @param client The client's end, for the server's end; without it, both are made.
   */
  constructor(wires: Wires, client?: WireEnd) {
    super();
    this.#wires = wires;
    this.#isServer = client !== undefined;
    this.peer = client ?? new WireEnd(wires, this);
  }

  /** Whether it takes text. */
  get writable(): boolean {
    return !this.destroyed && !this.connecting;
  }

  /** Whether anything has not come yet. */
  get isDue(): boolean {
    if (this.destroyed) return false;
    return this.#waiting !== "" || this.#isEnding || (this.connecting && !this.#isServer);
  }

  write(data: string | Uint8Array<ArrayBuffer>): boolean {
    if (this.writable) {
      this.peer.#waiting += typeof data === "string" ? data : Buffer.from(data).toString("latin1");
    }
    return true;
  }

  /** Ends the connection. What was written before comes, unless it is lost. */
  destroy({ isLost = false }: { readonly isLost?: boolean } = {}): this {
    if (this.destroyed) return this;
    this.#close();
    this.peer.#isEnding = true;
    if (isLost) this.peer.#waiting = "";
    return this;
  }

  end(): this {
    return this.destroy();
  }

  /** Lets something come: the connection itself, some bytes, or the end. */
  come(random: Random): void {
    if (this.#waiting !== "") {
      const size = random.oneIn(3) ? this.#waiting.length : 1 + random.below(PIECE);
      const piece = this.#waiting.slice(0, size);
      this.#waiting = this.#waiting.slice(size);
      this.emit("data", Buffer.from(piece, "latin1"));
    } else if (this.#isEnding) this.#close();
    else {
      this.connecting = this.peer.connecting = false;
      this.emit("secureConnect");
    }
  }

  setNoDelay(): void {}
  setKeepAlive(): void {}
  setTimeout(): void {}
  resume(): void {}

  #close(): void {
    this.destroyed = true;
    this.#wires.ends.delete(this);
    queueMicrotask(() => this.emit("close"));
  }
}

/** All connections, and who listens. */
export class Wires {
  readonly ends = new Set<WireEnd>();
  readonly #random: Random;
  readonly #servers = new Map<number, (end: WireEnd) => void>();

  /** @param random Decides what comes next. */
  constructor(random: Random) {
    this.#random = random;
  }

  /** Takes connections to a port. */
  listen(port: number, serve: (end: WireEnd) => void): void {
    this.#servers.set(port, serve);
  }

  /** Options with which ioredis connects to a port by these wires, without looking at sockets. */
  optionsFor(port: number): RedisOptions {
    const connect = () => this.#connect(port);
    class Connector {
      #end: WireEnd | undefined;
      #isWanted = true;
      async connect(): Promise<WireEnd> {
        await undefined; // ioredis sets itself up meanwhile
        if (!this.#isWanted) throw new Error("Connection is closed.");
        return this.#end = connect();
      }
      disconnect(): void {
        this.#isWanted = false;
        this.#end?.end();
      }
      check = () => true;
    }
    // With TLS the adapter opens no socket to ask why a connection was closed.
    return { host: "127.0.0.1", port, tls: {}, Connector: Connector as unknown as RedisOptions["Connector"] };
  }

  /**
   * Lets one thing come, and all that follows from it happen.
   *
   * @returns Whether there was one.
   */
  async next(): Promise<boolean> {
    const due = [...this.ends].filter(({ isDue }) => isDue);
    if (due.length > 0) this.#random.pick(due).come(this.#random);
    await new Promise<void>((resolve) => setImmediate(resolve));
    return due.length > 0;
  }

  #connect(port: number): WireEnd {
    const end = new WireEnd(this);
    this.ends.add(end).add(end.peer);
    end.once("secureConnect", () => this.#servers.get(port)!(end.peer));
    return end;
  }
}
