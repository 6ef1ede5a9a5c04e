/**
 * A WebSocket client on a bare TCP connection: it can stop reading, break the rules and vanish.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { waitFor } from "../harness.ts";

/** The opcodes of RFC 6455, 5.2. */
export const opcode = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

/** How a frame is to break the rules. */
export interface FrameFlaws {
  /** Announces more fragments. */
  readonly unfinished?: boolean;
  /** The three reserved bits. */
  readonly reserved?: number;
  /** Announces so many bytes, whatever follows. */
  readonly announced?: number;
}

/** A client's frame. */
export function frameOf(code: number, payload: Uint8Array, flaws: FrameFlaws = {}): Uint8Array {
  const length = flaws.announced ?? payload.length;
  const head = [(flaws.unfinished ? 0 : 0x80) | ((flaws.reserved ?? 0) << 4) | code];
  const high = Math.floor(length / 2 ** 32);
  if (length < 126) head.push(0x80 | length);
  else if (length < 2 ** 16) head.push(0x80 | 126, length >> 8, length & 0xff);
  else head.push(0x80 | 127, ...bytesOf(high), ...bytesOf(length));
  // A mask of zeros leaves the payload as it is.
  return Buffer.concat([Uint8Array.from([...head, 0, 0, 0, 0]), payload]);
}

const bytesOf = (value: number): number[] => [24, 16, 8, 0].map((shift) => (value >>> shift) & 0xff);

/** The options of the request. */
export interface RawRequest {
  readonly path?: string;
  /** Headers beside those of an upgrade; `undefined` leaves one of those out. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly method?: string;
}

/** A frame that the server sent. */
export interface RawFrame {
  readonly opcode: number;
  /** The three reserved bits; the highest says that the payload is compressed. */
  readonly reserved: number;
  readonly payload: Uint8Array;
}

/** A client without manners. */
export class RawClient {
  readonly socket: Socket;
  /** Whether the connection is gone. */
  gone = false;
  readonly #chunks: Uint8Array[] = [];
  #headEnd = -1;

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on("data", (data) => {
      this.#chunks.push(data as Uint8Array); // text only where an encoding was set
      if (this.#headEnd < 0) this.#headEnd = this.#received.indexOf("\r\n\r\n");
    });
    socket.on("close", () => this.gone = true);
    socket.on("error", () => {});
  }

  /** Connects and asks for an upgrade; resolves as soon as that is sent. */
  static async ask(port: number, request: RawRequest = {}): Promise<RawClient> {
    const socket = connect(port, "127.0.0.1");
    const client = new RawClient(socket);
    await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
    const headers = {
      "Host": "127.0.0.1",
      "Upgrade": "websocket",
      "Connection": "Upgrade",
      // The example of RFC 6455, 1.3.
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      "Sec-WebSocket-Version": "13",
      ...request.headers,
    };
    const lines = Object.entries(headers).filter(([, value]) => value !== undefined).map((entry) =>
      entry.join(": ")
    );
    socket.write(
      [`${request.method ?? "GET"} ${request.path ?? "/"} HTTP/1.1`, ...lines, "", ""].join("\r\n"),
    );
    return client;
  }

  /** Connects and waits for the answer to the upgrade. */
  static async open(port: number, request: RawRequest = {}): Promise<RawClient> {
    const client = await RawClient.ask(port, request);
    await waitFor(() => client.#headEnd >= 0, { what: "the answer to an upgrade" });
    return client;
  }

  /** The status of the answer. */
  get status(): number {
    return Number(this.#head.split(" ")[1]);
  }

  /** A header of the answer. */
  header(name: string): string | undefined {
    const line = this.#head.split("\r\n").find((line) => line.toLowerCase().startsWith(`${name}: `));
    return line?.slice(name.length + 2);
  }

  /** All headers of a name, in their order. */
  headers(name: string): string[] {
    const start = `${name}: `;
    return this.#head.split("\r\n").filter((line) => line.toLowerCase().startsWith(start))
      .map((line) => line.slice(start.length));
  }

  /** The data behind the head of the answer, as text. */
  get body(): string {
    return new TextDecoder().decode(this.#received.subarray(this.#headEnd + 4));
  }

  /** How many bytes came behind the head of the answer. */
  get receivedBytes(): number {
    return this.#chunks.reduce((bytes, chunk) => bytes + chunk.length, -this.#headEnd - 4);
  }

  /** The frames that have come whole. */
  get frames(): RawFrame[] {
    const frames: RawFrame[] = [];
    let rest: Uint8Array = this.#received.subarray(this.#headEnd + 4);
    while (rest.length >= 2) {
      const view = new DataView(rest.buffer, rest.byteOffset, rest.byteLength);
      const short = rest[1] & 0x7f;
      const start = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (rest.length < start) break;
      const length = short === 127 ? Number(view.getBigUint64(2)) : short === 126 ? view.getUint16(2) : short;
      if (rest.length < start + length) break;
      const payload = rest.subarray(start, start + length);
      frames.push({ opcode: rest[0] & 0x0f, reserved: (rest[0] >> 4) & 7, payload });
      rest = rest.subarray(start + length);
    }
    return frames;
  }

  /** Sends a frame; resolves when the kernel has it. */
  send(code: number, payload: Uint8Array | string = "", flaws: FrameFlaws = {}): Promise<void> {
    const bytes = typeof payload === "string" ? new TextEncoder().encode(payload) : payload;
    return new Promise((resolve) => this.socket.write(frameOf(code, bytes, flaws), () => resolve()));
  }

  /** Ends the connection properly, without a close frame. */
  finish(): void {
    this.socket.end();
  }

  /** Ends the connection with a TCP reset. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Ends the connection, if it is there, and waits until it is gone. */
  async destroy(): Promise<void> {
    this.socket.destroy();
    await waitFor(() => this.gone, { what: "the end of a TCP connection" });
  }

  get #head(): string {
    return new TextDecoder("latin1").decode(this.#received.subarray(0, this.#headEnd));
  }

  get #received(): Buffer {
    return Buffer.concat(this.#chunks);
  }
}
