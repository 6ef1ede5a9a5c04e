/**
 * One connection to RabbitMQ, which lives once: the library's protocol over a socket of our own, which writes together what
 * is sent together, survives whatever a server says, and tells when it is gone.
 *
 * @module
 */

import type { AMQPBaseClient, AMQPChannel } from "@cloudamqp/amqp-client";
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { connect as connectTls } from "node:tls";
import type { Clock } from "../../contract/clock.ts";
import type { RabbitMqTlsOptions, ServerAddress } from "./addresses.ts";
import { ForeignServerError } from "./errors.ts";

/** Where a connection leads, and who wants to know of it. */
export interface ConnectionOptions {
  readonly address: ServerAddress;
  readonly vhost: string;
  readonly username: string;
  readonly password: string;
  /** TLS options, where it is wanted. */
  readonly tls: RabbitMqTlsOptions | undefined;
  /** What operators see. */
  readonly name: string;
  readonly clock: Clock;
  /** The connection is gone. Called once, and not for what {@linkcode AmqpConnection.destroy} ends. */
  onLost(cause: unknown): void;
}

/** A connection in use. */
export interface AmqpConnection {
  /** When the server said something last, by the clock. */
  readonly lastHeard: number;
  /** What the server blocks publishing for, if it does. */
  readonly blocked?: string;
  onblocked?: (reason: string) => void;
  onunblocked?: () => void;
  /** Opens a channel. */
  channel(): Promise<AMQPChannel>;
  /** Gives it up: everything under way fails. */
  lose(cause: unknown): void;
  /** Says goodbye, if the server still listens. Resolves when it is closed; never rejects. */
  destroy(): Promise<void>;
}

/** What the library keeps to use again, and never gives back. */
interface Pooling {
  readonly bufferPool?: unknown[];
}

/** Connects; rejects with what went wrong, and leaves nothing behind then. */
export type Connect = (options: ConnectionOptions, signal: AbortSignal) => Promise<AmqpConnection>;

/** How large a frame may be; each publish that has no answer keeps a buffer of this size at least. */
const FRAME_MAX = 8 * 1024;
/** What every server has to take. */
const MIN_FRAME_MAX = 4 * 1024;
/** No frame is larger that comes before sizes are agreed on. */
const MAX_FRAME_BYTES = 128 * 1024;
/** A server forgets a client that has said nothing for twice as long. */
const HEARTBEAT_S = 30;
const HEARTBEAT = new Uint8Array([8, 0, 0, 0, 0, 0, 0, 206]);
const PROTOCOL = new Uint8Array([65, 77, 81, 80, 0, 0, 9, 1]);
/** Before a frame's content: its type, its channel, its size. Behind it: its end. */
const HEAD_BYTES = 7;
/** How long a goodbye may take. */
const GOODBYE_MS = 500;

/**
 * Loads what makes connections.
 *
 * @param library The library.
 * @param view The library's reader of bytes.
 */
export function connector(
  library: typeof import("@cloudamqp/amqp-client"),
  { AMQPView }: typeof import("@cloudamqp/amqp-client/amqp-view"),
): Connect {
  class Connection extends library.AMQPBaseClient implements AmqpConnection {
    readonly #options: ConnectionOptions;
    readonly #socket: Socket;
    readonly #closed = Promise.withResolvers<void>();
    /** What is sent in this turn. */
    #outgoing: Uint8Array[] = [];
    #flushing: Promise<void> | undefined;
    /** The beginning of a frame. */
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
      this.onerror = () => {}; // whatever ends a connection or a channel is told by other ways, too
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

    /** Never rejects: who waits for an answer hears from its channel that there will be none. */
    override send(bytes: Uint8Array): Promise<void> {
      this.#outgoing.push(bytes);
      this.#flushing ??= Promise.resolve().then(() => this.#flush());
      return this.#flushing;
    }

    /** Not at once: the library has just sent its last words. */
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

    /** Whatever is sent in one turn is one write: each costs about as much as thousands of bytes. */
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

    /** The library answers those of the server, which sends none while it sends messages. */
    #beat(): void {
      const { clock } = this.#options;
      this.#cancelHeartbeat = clock.after(this.heartbeat * 500, () => {
        if (clock.now() - this.#lastSent >= this.heartbeat * 400) void this.send(HEARTBEAT);
        (this as Pooling).bufferPool?.splice(0); // what the largest burst has taken
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
 * How large frames may be, as agreed: ours, or the server's where that is smaller. A server without a limit says 0, which the
 * library would agree to; into frames of next to nothing it would cut messages for ever.
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

/** How many bytes of these are whole frames. */
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
