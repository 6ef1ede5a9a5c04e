/**
 * One raw TCP connection that speaks WebSocket. It upgrades, and sends the first messages of its dialect. After that it counts
 * incoming messages: by the size of frames, or by reading the number of every message.
 *
 * @module
 */

import type { Dialect } from "./dialects.ts";
import { clientFrame, FrameReader, type FrameSink } from "./frames.ts";
import { SizeCount } from "./size_count.ts";
import { Tcp } from "./tcp.ts";

/** The marker: the text of every message starts with it, and nothing else that a server sends contains it. */
const MARKER = "#";
const MARKER_BYTE = MARKER.charCodeAt(0);
/** How many digits follow the marker. */
const DIGITS = 7;

/** The text of a message: the marker, its number, and padding to the length of a short chat line. */
export const text = (sequence: number): string =>
  `${MARKER}${String(sequence).padStart(DIGITS, "0")} hello, everyone here`;

/** Gets the number of every message. Leave it out if counting is enough. */
export type OnMessage = (sequence: number) => void;

/** A step: the text to wait for, and then the text to send. */
export type Step = Dialect["opening"][number];

/** The part of a dialect that a connection needs. */
type Manners = Pick<Dialect, "path" | "subprotocol" | "opening" | "heard">;

/** A connection of the load client. */
export class LoadConnection implements FrameSink {
  /** How many messages have come. */
  received = 0;
  /** How many frames they came in. */
  frames = 0;
  /** How many bytes there were in them. */
  bytes = 0;
  /** Called for every message. Reading numbers takes several times as long as counting. */
  onMessage: OnMessage | undefined;
  /** Called when messages have arrived and are counted. */
  onReceived: ((count: number) => void) | undefined;
  /** Called when the server has closed. */
  onClose = () => {};
  readonly #socket: Tcp;
  readonly #reader = new FrameReader(this);
  readonly #sizes: SizeCount;
  #ready = Promise.withResolvers<void>();
  #steps: Step[];
  #upgraded = false;
  #text = "";
  #digits = -1;
  #sequence = 0;
  /** How many messages the current frame contains, if its size tells. */
  #inFrame = 0;

  private constructor(port: number, dialect: Manners) {
    this.#steps = [...dialect.opening];
    this.#sizes = new SizeCount(dialect.heard, text(0));
    const offer = dialect.subprotocol ? `Sec-WebSocket-Protocol: ${dialect.subprotocol}\r\n` : "";
    const upgrade =
      `GET ${dialect.path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      `Sec-WebSocket-Key: dHJ1bmtsaW5lLWJlbmNoIQ==\r\nSec-WebSocket-Version: 13\r\n${offer}\r\n`;
    this.#socket = new Tcp(port, {
      onOpen: () => this.#socket.write(new TextEncoder().encode(upgrade)),
      onChunk: (chunk) => this.#read(chunk),
      onFailure: (error) => this.#ready.reject(error),
      onClose: () => {
        this.#ready.reject(new Error("The server closed before the connection was ready"));
        this.onClose();
      },
    });
  }

  /** Connects, and waits until the server has sent all texts that the dialect waits for. */
  static async open(port: number, dialect: Manners): Promise<LoadConnection> {
    const connection = new LoadConnection(port, dialect);
    await connection.#ready.promise;
    return connection;
  }

  /** Takes the steps: waits for texts and sends texts. Messages do not count meanwhile. */
  async talk(steps: readonly Step[]): Promise<void> {
    this.#ready = Promise.withResolvers();
    this.#steps = [...steps];
    this.#advance();
    await this.#ready.promise;
  }

  /** Writes bytes that already are frames. */
  write(frames: Uint8Array): void {
    this.#socket.write(frames);
  }

  /** Closes the connection at once, without a closing handshake. */
  destroy(): void {
    this.#socket.destroy();
  }

  /** A frame begins. If it can contain only messages of the known size, its size tells how many. */
  begin(size: number): void {
    this.frames++;
    this.bytes += size;
    const isRead = this.onMessage !== undefined || this.#steps.length > 0;
    this.#inFrame = isRead ? 0 : this.#sizes.count(size, this.received);
  }

  payload(chunk: Uint8Array, from: number, to: number, ends: boolean): void {
    if (this.#inFrame > 0) { if (ends) this.#count(this.#inFrame); }
    else if (this.#steps.length > 0) this.#listen(chunk, from, to);
    else this.#parse(chunk, from, to);
  }

  #read(chunk: Uint8Array): void {
    if (this.#upgraded) return this.#reader.read(chunk);
    const head = new TextDecoder("latin1").decode(chunk);
    const end = head.indexOf("\r\n\r\n");
    if (!head.startsWith("HTTP/1.1 101") || end === -1) {
      return this.#ready.reject(new Error(`No upgrade: ${head.slice(0, 80)}`));
    }
    this.#upgraded = true;
    this.#advance();
    this.#reader.read(chunk, end + 4);
  }

  /** Sends the texts of the next steps that need no waiting. */
  #advance(): void {
    while (this.#steps[0] && this.#steps[0].waitFor === undefined) {
      this.write(clientFrame(this.#steps.shift()!.say!));
    }
    if (this.#steps.length === 0) this.#ready.resolve();
  }

  #listen(chunk: Uint8Array, from: number, to: number): void {
    this.#text += new TextDecoder().decode(chunk.subarray(from, to));
    const [step] = this.#steps;
    if (!step?.waitFor || !this.#text.includes(step.waitFor)) return;
    this.#text = "";
    this.#steps.shift();
    if (step.say !== undefined) this.write(clientFrame(step.say));
    this.#advance();
  }

  #count(count: number): void {
    this.received += count;
    this.onReceived?.(count);
  }

  /** Reads markers and numbers. A chunk may end in the middle of one. */
  #parse(chunk: Uint8Array, from: number, to: number): void {
    let count = 0;
    for (let i = from; i < to; i++) {
      const byte = chunk[i]!;
      if (byte === MARKER_BYTE) {
        this.#digits = DIGITS;
        this.#sequence = 0;
      } else if (this.#digits > 0) {
        this.#sequence = this.#sequence * 10 + byte - 48;
        if (--this.#digits > 0) continue;
        count++;
        this.onMessage?.(this.#sequence);
      }
    }
    if (count > 0) this.#count(count);
  }
}

/** Opens many connections, a few at a time. */
export async function openMany(
  port: number,
  dialect: Manners,
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
