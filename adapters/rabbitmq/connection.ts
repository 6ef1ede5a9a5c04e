/**
 * One connection to RabbitMQ. It is never reopened. The library's protocol runs over the adapter's own socket. This
 * socket sends the writes of one turn together. It survives any answer of the server, and reports when the connection
 * is lost.
 *
 * @module
 */

import type { AMQPBaseClient, AMQPChannel } from "@cloudamqp/amqp-client";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../contract/clock.ts";
import type { RabbitMqTlsOptions, ServerAddress } from "./addresses.ts";
import { ForeignServerError } from "./errors.ts";

/** The options of a connection, and its callback. */
export interface ConnectionOptions {
  readonly address: ServerAddress;
  readonly vhost: string;
  readonly username: string;
  readonly password: string;
  /** TLS options, if TLS is wanted. */
  readonly tls: RabbitMqTlsOptions | undefined;
  /** The name that operators see. */
  readonly name: string;
  readonly clock: Clock;
  /** The connection is lost. Called once, but not after {@linkcode AmqpConnection.destroy}. */
  onLost(cause: unknown): void;
}

/** A connection in use. */
export interface AmqpConnection {
  /** When the server last sent something, by the clock. */
  readonly lastHeard: number;
  /** The reason why the server blocks publishes, if it does. */
  readonly blocked?: string;
  onblocked?: (reason: string) => void;
  onunblocked?: () => void;
  /** Opens a channel. */
  channel(): Promise<AMQPChannel>;
  /** Gives up the connection: all pending calls fail. */
  lose(cause: unknown): void;
  /** Says goodbye, if the server still answers. Resolves when the connection is closed. Never rejects. */
  destroy(): Promise<void>;
}

/** The library's buffer pool, which only grows. */
interface Pooling {
  readonly bufferPool?: unknown[];
}

/** Connects. Rejects with the failure, after it has closed everything that it opened. */
export type Connect = (options: ConnectionOptions, signal: AbortSignal) => Promise<AmqpConnection>;

/** The largest frame. Each unanswered publish keeps a buffer of at least this size. */
const FRAME_MAX = 8 * 1024;
/** The frame size that every server must accept. */
const MIN_FRAME_MAX = 4 * 1024;
/** The largest frame before the frame size is negotiated. */
const MAX_FRAME_BYTES = 128 * 1024;
/** The server drops a client that was silent for twice this time. */
const HEARTBEAT_S = 30;
const HEARTBEAT = new Uint8Array([8, 0, 0, 0, 0, 0, 0, 206]);
const PROTOCOL = new Uint8Array([65, 77, 81, 80, 0, 0, 9, 1]);
/** The bytes before a frame's content: type, channel, size. One byte follows the content. */
const HEAD_BYTES = 7;
/** How long a goodbye may take. */
const GOODBYE_MS = 500;

/**
 * Creates the function that connects.
 *
 * @param library The library.
 * @param view The library's byte reader.
 */
export function connector(
  library: typeof import("@cloudamqp/amqp-client"),
  { AMQPView }: typeof import("@cloudamqp/amqp-client/amqp-view"),
): Connect {
  class Connection extends library.AMQPBaseClient implements AmqpConnection {
    readonly #options: ConnectionOptions;
    readonly #socket: Socket;
    readonly #closed = Promise.withResolvers<void>();
    /** The data to send in this turn. */
    #outgoing: Uint8Array[] = [];
    #flushing: Promise<void> | undefined;
    /** The start of an incomplete frame. */
    #rest: Uint8Array | undefined;
    #lastSent = 0;
    #lost = false;
    #leaving = false;
    #cancelHeartbeat = () => {};
    lastHeard = 0;

    constructor(options: ConnectionOptions) {
      const { vhost, username, password, name, address, tls } = options;
      super(vhost, username, password, name, undefined, FRAME_MAX, HEARTBEAT_S);
      this.#options = options;
      Object.defineProperty(this, "frameMax", frameLimit());
      this.onerror = () => {}; // the end of a connection or channel is reported in other ways too
      this.ondisconnect = (cause) => this.lose(cause);
      const { hostname: host, port } = address;
      const onConnect = () => void this.send(PROTOCOL);
      this.#socket = tls
        ? connectTls({ host, port, servername: isIP(host) ? "" : host, ...tls }, onConnect)
        : connectTcp({ host, port }, onConnect);
      this.#socket.setNoDelay(true);
      this.#socket.on("data", (bytes) => this.#read(bytes as Uint8Array));
      this.#socket.on("error", (error) => this.lose(error));
      this.#socket.on("close", () => {
        this.#closed.resolve();
        this.lose(new Error("it closed the connection"));
      });
    }

    override connect(): Promise<AMQPBaseClient> {
      return new Promise<AMQPBaseClient>((resolve, reject) => {
        this.connectPromise = [resolve, reject];
      }).then((self) => {
        if (this.heartbeat > 0) this.#beat();
        return self;
      });
    }

    /** Never rejects: the channel rejects the callers that wait for an answer. */
    override send(bytes: Uint8Array): Promise<void> {
      this.#outgoing.push(bytes);
      this.#flushing ??= Promise.resolve().then(() => this.#flush());
      return this.#flushing;
    }

    /** Sends waiting data first: the library has just queued its last frames. */
    protected override closeSocket(): void {
      this.#flush();
      this.#socket.end();
    }

    lose(cause: unknown): void {
      if (this.#lost) return;
      this.#lost = true;
      this.closed = true;
      this.#cancelHeartbeat();
      const error = cause instanceof Error ? cause : new Error("it closed the connection", { cause });
      this.connectPromise?.[1](error);
      for (const channel of this.channels) channel?.setClosed(error);
      this.#socket.end();
      if (!this.#leaving) this.#options.onLost(error);
    }

    async destroy(): Promise<void> {
      const polite = !this.#lost && !this.closed;
      this.#leaving = true;
      if (polite) {
        const { promise: late, resolve } = Promise.withResolvers<void>();
        const cancel = this.#options.clock.after(GOODBYE_MS, resolve);
        this.close().catch(() => {});
        await Promise.race([this.#closed.promise, late]);
        cancel();
      }
      this.lose(new Error("it was closed meanwhile"));
      this.#socket.destroy();
      await this.#closed.promise;
    }

    /** Sends all data of one turn in one write, because a write costs as much as thousands of bytes. */
    #flush(): void {
      const parts = this.#outgoing;
      this.#outgoing = [];
      this.#flushing = undefined;
      if (parts.length === 0 || !this.#socket.writable) return;
      this.#lastSent = this.#options.clock.now();
      this.#socket.write(joined(parts));
    }

    #read(chunk: Uint8Array): void {
      if (this.#lost) return;
      this.lastHeard = this.#options.clock.now();
      try {
        const bytes = this.#rest ? joined([this.#rest, chunk]) : chunk;
        const whole = wholeFrames(bytes);
        this.#rest = whole < bytes.length ? bytes.slice(whole) : undefined;
        if (whole > 0) this.parseFrames(new AMQPView(bytes.buffer, bytes.byteOffset, whole));
      } catch (error) {
        this.lose(error);
        this.#socket.destroy();
      }
    }

    /** Sends heartbeats. The library only answers the server's, and a busy server sends none. */
    #beat(): void {
      const { clock } = this.#options;
      this.#cancelHeartbeat = clock.after(this.heartbeat * 500, () => {
        if (clock.now() - this.#lastSent >= this.heartbeat * 400) void this.send(HEARTBEAT);
        (this as Pooling).bufferPool?.splice(0); // frees the buffers of the largest burst
        this.#beat();
      }, { background: true });
    }
  }

  return async (options, signal) => {
    const connection = new Connection(options);
    const abort = () => connection.lose(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort);
    try {
      await connection.connect();
      return connection;
    } catch (error) {
      await connection.destroy();
      throw error;
    } finally {
      signal.removeEventListener("abort", abort);
    }
  };
}

/**
 * The negotiated frame size: the adapter's, or the server's if that is smaller. A server without a limit sends 0. The
 * library would accept 0 and split messages into almost empty frames, without end.
 */
function frameLimit(): PropertyDescriptor {
  let limit = FRAME_MAX;
  return {
    get: () => limit,
    set(said: number) {
      if (said > 0 && said < MIN_FRAME_MAX) throw new ForeignServerError();
      limit = said || FRAME_MAX;
    },
  };
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** How many of these bytes belong to complete frames. */
function wholeFrames(bytes: Uint8Array): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  while (at + HEAD_BYTES <= bytes.length) {
    const size = view.getUint32(at + 3);
    if (size > MAX_FRAME_BYTES) throw new ForeignServerError();
    const next = at + HEAD_BYTES + size + 1;
    if (next > bytes.length) break;
    at = next;
  }
  return at;
}
