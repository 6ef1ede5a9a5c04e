/**
 * One raw TCP connection that speaks WebSocket: it upgrades, says what its dialect opens with, and from then on counts
 * markers in what comes.
 *
 * @module
 */

import { connect, type Socket } from "node:net";
import type { Dialect } from "./dialects.ts";
import { FrameReader, textFrame } from "./frames.ts";

/** Every message's text starts with it; nothing else that a server sends contains it. */
export const MARKER = "#";
const MARKER_BYTE = MARKER.charCodeAt(0);
/** How many digits follow the marker. */
export const DIGITS = 7;

/** Told of every message: the number after its marker. Left out where counting is enough. */
export type OnMessage = (sequence: number) => void;

/** A connection of the load client. */
export class LoadConnection {
  /** How many messages have come. */
  received = 0;
  /** How many frames they came in. */
  frames = 0;
  /** Called for every message. */
  onMessage: OnMessage | undefined;
  /** Called when the server has closed. */
  onClose = () => {};
  readonly #socket: Socket;
  readonly #reader = new FrameReader();
  readonly #ready = Promise.withResolvers<void>();
  #opening: { readonly waitFor?: string; readonly say?: string }[];
  #upgraded = false;
  #text = "";
  #digits = -1;
  #sequence = 0;

  private constructor(port: number, dialect: Dialect) {
    this.#opening = [...dialect.opening];
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("connect", () => {
      const offer = dialect.subprotocol ? `Sec-WebSocket-Protocol: ${dialect.subprotocol}\r\n` : "";
      this.#socket.write(
        `GET ${dialect.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: dHJ1bmtsaW5lLWJlbmNoIQ==\r\nSec-WebSocket-Version: 13\r\n${offer}\r\n`,
      );
    });
    this.#socket.on("data", (chunk) => this.#read(chunk));
    this.#socket.on("error", (error) => this.#ready.reject(error));
    this.#socket.on("close", () => {
      this.#ready.reject(new Error("The server closed before the connection was ready"));
      this.onClose();
    });
  }

  /** Connects, and waits until the server has said what the dialect waits for. */
  static async open(port: number, dialect: Dialect): Promise<LoadConnection> {
    const connection = new LoadConnection(port, dialect);
    await connection.#ready.promise;
    return connection;
  }

  /** Writes bytes that are frames already. */
  write(frames: Uint8Array): void {
    this.#socket.write(frames);
  }

  /** Leaves without a word. */
  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Uint8Array): void {
    let start = 0;
    if (!this.#upgraded) {
      const text = new TextDecoder("latin1").decode(chunk);
      const end = text.indexOf("\r\n\r\n");
      if (!text.startsWith("HTTP/1.1 101") || end === -1) {
        return this.#ready.reject(new Error(`No upgrade: ${text.slice(0, 80)}`));
      }
      this.#upgraded = true;
      this.#open();
      start = end + 4;
    }
    if (start < chunk.length) {
      const body = start === 0 ? chunk : chunk.subarray(start);
      this.#reader.read(body, (from, to, ends) => {
        if (this.#opening.length > 0) this.#listen(body, from, to);
        else this.#count(body, from, to);
        if (ends) this.frames++;
      });
    }
  }

  /** Says what is next to be said without waiting. */
  #open(): void {
    while (this.#opening[0] && this.#opening[0].waitFor === undefined) {
      this.write(textFrame(this.#opening.shift()!.say!));
    }
    if (this.#opening.length === 0) this.#ready.resolve();
  }

  #listen(chunk: Uint8Array, from: number, to: number): void {
    this.#text += new TextDecoder().decode(chunk.subarray(from, to));
    const [step] = this.#opening;
    if (!step?.waitFor || !this.#text.includes(step.waitFor)) return;
    this.#text = "";
    this.#opening.shift();
    if (step.say !== undefined) this.write(textFrame(step.say));
    this.#open();
  }

  #count(chunk: Uint8Array, from: number, to: number): void {
    const { onMessage } = this;
    if (!onMessage) {
      let received = 0;
      for (let i = from; i < to; i++) if (chunk[i] === MARKER_BYTE) received++;
      this.received += received;
      return;
    }
    for (let i = from; i < to; i++) {
      const byte = chunk[i]!;
      if (byte === MARKER_BYTE) {
        this.#digits = DIGITS;
        this.#sequence = 0;
      } else if (this.#digits > 0) {
        this.#sequence = this.#sequence * 10 + byte - 48;
        if (--this.#digits === 0) {
          this.received++;
          onMessage(this.#sequence);
        }
      }
    }
  }
}

/** Opens many connections, some at a time. */
export async function openMany(
  port: number,
  dialect: Dialect,
  count: number,
  atOnce = 100,
): Promise<LoadConnection[]> {
  const connections: LoadConnection[] = [];
  while (connections.length < count) {
    const batch = Math.min(atOnce, count - connections.length);
    connections.push(
      ...await Promise.all(Array.from({ length: batch }, () => LoadConnection.open(port, dialect))),
    );
  }
  return connections;
}
