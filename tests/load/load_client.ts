/**
 * A client on a bare TCP connection: hundreds of them fit into one process, and each reads as fast or as slowly as it
 * is told to.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { type Codec, jsonCodec } from "@trunkline/hub";
import type { Encoded } from "@trunkline/hub/contract";
import { frameOf, opcode } from "../transports/raw_client.ts";

/** How to come in. */
export interface LoadClientOptions {
  /** The role to ask for: `"member"` unless told. */
  readonly role?: string;
  /** The client's name. */
  readonly token?: string;
  /** The codec; JSON by default. */
  readonly codec?: Codec;
}

const EMPTY = Buffer.alloc(0);

/** A connection that hears everything, and says little. */
export class LoadClient {
  /** The hub's id of it. */
  id = "";
  /** The close code, once it is closed; 1006 without a close frame. */
  closed: number | undefined;
  /** Called with every event and topic message. */
  onMessage: (payload: unknown, name: string) => void = () => {};
  readonly #socket: Socket;
  readonly #codec: Codec;
  readonly #hello: unknown[];
  readonly #waiting = new Map<number, PromiseWithResolvers<void>>();
  readonly #welcome = Promise.withResolvers<void>();
  readonly #gone = Promise.withResolvers<void>();
  #rest: Buffer = EMPTY;
  #upgraded = false;
  #lastId = 0;
  #crawlMs: number | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #code = 1006;

  private constructor(port: number, { role = "member", token, codec = jsonCodec }: LoadClientOptions) {
    this.#codec = codec;
    this.#hello = ["hello", { role, token }];
    this.#socket = connect({ port, host: "127.0.0.1", noDelay: true });
    this.#socket.on("connect", () => {
      this.#socket.write(
        `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
          `Sec-WebSocket-Protocol: ${codec.subprotocol}\r\n\r\n`,
      );
    });
    this.#socket.on("data", (chunk) => this.#read(chunk as Buffer)); // text only where an encoding was set
    this.#socket.on("error", () => {});
    this.#socket.on("close", () => this.#end());
  }

  /** Connects; resolves when the hub has said welcome. */
  static async open(port: number, options: LoadClientOptions = {}): Promise<LoadClient> {
    const client = new LoadClient(port, options);
    await client.#welcome.promise;
    return client;
  }

  /** Subscribes to a topic; resolves when that is live. */
  subscribe(topic: string): Promise<void> {
    const id = ++this.#lastId;
    const waiting = Promise.withResolvers<void>();
    this.#waiting.set(id, waiting);
    this.#say(["sub", id, topic]);
    return waiting.promise;
  }

  /** Stops reading. */
  pause(): void {
    this.#socket.pause();
  }

  /** Reads on, at full speed. */
  resume(): void {
    this.#crawlMs = undefined;
    this.#socket.resume();
  }

  /** Reads what comes at once, and then nothing for so long. */
  crawl(ms: number): void {
    this.#crawlMs = ms;
  }

  /** Leaves without a word. */
  destroy(): Promise<void> {
    this.#socket.destroy();
    return this.#gone.promise;
  }

  #say(message: unknown[]): void {
    const frame = this.#codec.join([this.#codec.encode(message)]);
    const text = typeof frame === "string";
    this.#socket.write(
      frameOf(text ? opcode.text : opcode.binary, text ? new TextEncoder().encode(frame) : frame),
    );
  }

  #end(): void {
    clearTimeout(this.#timer);
    this.#crawlMs = undefined;
    this.closed = this.#code;
    this.#gone.resolve();
    const error = new Error(`The server closed: ${this.#code}`);
    this.#welcome.reject(error);
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  #read(chunk: Buffer): void {
    this.#rest = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    if (!this.#upgraded) {
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      this.#upgraded = true;
      this.#rest = this.#rest.subarray(end + 4);
      this.#say(this.#hello);
    }
    while (this.#frame());
    if (this.#crawlMs === undefined) return;
    this.#socket.pause();
    this.#timer = setTimeout(() => this.#socket.resume(), this.#crawlMs);
  }

  /** Takes one whole frame, if there is one. */
  #frame(): boolean {
    const rest = this.#rest;
    if (rest.length < 2) return false;
    const short = rest[1]! & 0x7f;
    const start = short === 127 ? 10 : short === 126 ? 4 : 2;
    if (rest.length < start) return false;
    const length = short === 127
      ? Number(rest.readBigUInt64BE(2))
      : short === 126
      ? rest.readUInt16BE(2)
      : short;
    if (rest.length < start + length) return false;
    const payload = rest.subarray(start, start + length);
    const code = rest[0]! & 0x0f;
    this.#rest = rest.subarray(start + length);
    if (code === opcode.close) {
      this.#code = payload.readUInt16BE(0);
      this.#socket.destroy();
    } else if (code === opcode.text) this.#messages(new TextDecoder().decode(payload));
    else if (code === opcode.binary) this.#messages(new Uint8Array(payload));
    return true;
  }

  #messages(frame: Encoded): void {
    for (const message of this.#codec.decode(frame) as (readonly unknown[])[]) {
      const [kind, first, second] = message;
      if (kind === "ev" || kind === "pub") this.onMessage(second, first as string);
      else if (kind === "rec") this.onMessage(message[3], first as string);
      else if (kind === "ping") this.#say(["pong"]);
      else if (kind === "welcome") {
        this.id = (first as { connection: string }).connection;
        this.#welcome.resolve();
      } else if (kind === "res") this.#waiting.get(first as number)?.resolve();
      else if (kind === "err") this.#waiting.get(first as number)?.reject(new Error(JSON.stringify(second)));
    }
  }
}
