/**
 * One connection, from the attempt to connect to its end.
 *
 * @module
 */

import { MAX_TIMER_MS } from "../contract/clock.ts";
import * as CLOSE_CODES from "../contract/close_codes.ts";
import {
  asServerMessage,
  defer,
  type Encoded,
  fromWireError,
  type Hello,
  HubError,
  mayReconnect,
  type ServerMessage,
  UnreadableMessage,
  utf8Size,
  type Welcome,
  type WireError,
} from "../contract/mod.ts";
import { showAddress } from "./addresses.ts";
import { LATE_MS } from "./lifecycle/sleep.ts";
import type { Link } from "../transports/transport.ts";
import { ERROR_OF_CLOSE, isRefusal, toHubError } from "./transports/link_errors.ts";
import type { Settings } from "./options.ts";
import type { ClientStage } from "./api/mod.ts";
import { FrameBatch } from "./frame_batch.ts";

/** The normal closure of RFC 6455, section 7.4.1. */
const NORMAL_CLOSURE = 1000;

/** How long a link has to prove that it is alive after waking up: a few round trips of a bad mobile network. */
const PROOF_MS = 2_000;

/** The messages that the connection does not handle itself. */
export type AppMessage = Exclude<
  ServerMessage,
  readonly ["welcome" | "fault" | "ping" | "pong" | "move", ...unknown[]]
>;

/** How a connection ended. */
export interface ConnectionEnd {
  /** The reason. */
  readonly error: HubError;
  /** Whether a retry cannot help. */
  readonly terminal: boolean;
  /** Whether `onError` already got the error. */
  readonly told: boolean;
  /** Whether a server has opened the link. */
  readonly reached: boolean;
  /** `"away"`: the node goes away. `"asleep"`: the link was already dead when the device woke up. */
  readonly by?: "away" | "asleep" | undefined;
}

/** Callbacks of a connection's owner. None of them may throw. */
export interface ConnectionEvents {
  /**
   * Returns what the hello holds in addition to role and token.
   *
   * @param bytes The size of the hello without these additions, in bytes.
   */
  hello(bytes: number): Partial<Hello>;
  /** The server has sent its welcome. */
  open(): void;
  /** A message arrived. */
  message(message: AppMessage): void;
  /** A message arrived whose payload cannot be read. */
  unreadable(message: UnreadableMessage): void;
  /** The server asks the client to move to another node within this time. */
  move(withinMs: number): void;
  /** The connection has ended, and not by `close()`. Called at most once. */
  end(end: ConnectionEnd): void;
}

/** One attempt to connect, and the connection if it succeeds. */
export class Connection {
  /** The server's welcome; `undefined` until it arrives. */
  welcome: Welcome | undefined;
  readonly #settings: Settings;
  readonly #events: ConnectionEvents;
  readonly #abort = new AbortController();
  readonly #gone = defer<void>();
  #stopTimer: () => void;
  #link: Link | undefined;
  #closeLink: ((code: number, reason: string) => void) | undefined;
  #closing: [code: number, reason: string] | undefined;
  #outgoing: FrameBatch | undefined;
  #heardAt = 0;
  #fault: HubError | undefined;
  #url = "";
  #stopProof: (() => void) | undefined;
  #dialledAt = Infinity;

  /**
   * @param settings The settings of the client.
   * @param events The callbacks of the owner.
   */
  constructor(settings: Settings, events: ConnectionEvents) {
    this.#settings = settings;
    this.#events = events;
    const { clock, connectTimeoutMs } = settings;
    this.#stopTimer = clock.after(connectTimeoutMs, () => {
      const error = new HubError("TIMEOUT", `Cannot connect to ${this.hub} within ${connectTimeoutMs} ms`);
      this.#drop(CLOSE_CODES.HEARTBEAT_TIMEOUT, error);
    });
    this.#connect();
  }

  /** The hub, for error messages. */
  get hub(): string {
    return `the hub${this.#url && ` at ${showAddress(this.#url)}`}`;
  }

  /** Whether this node may have data of the client that no other node has. */
  get isRemembered(): boolean {
    const { node, once = node } = this.welcome ?? {};
    return once !== undefined && once === node;
  }

  /** Whether more bytes wait to be sent than the limit allows. */
  get congested(): boolean {
    return this.#link !== undefined && this.#link.bufferedAmount > this.#settings.maxBufferedBytes;
  }

  /**
   * Sends a message at the end of this turn. After the end of the connection it does nothing.
   *
   * @param message A message of the wire.
   * @throws {HubError} `TOO_LARGE`, `BAD_REQUEST`.
   */
  push(message: readonly unknown[]): void {
    if (!this.#closing) this.#outgoing?.push(message);
  }

  /**
   * Sends an answer to the server, as `push()` does. If too many bytes wait already, it ends the connection.
   *
   * @param message A message of the wire.
   * @throws {HubError} `TOO_LARGE`, `BAD_REQUEST`.
   */
  answer(message: readonly unknown[]): void {
    if (this.#closing || !this.congested) return this.push(message);
    const text = "Connection lost: the server does not read, and more than maxBufferedBytes wait";
    this.#fail(CLOSE_CODES.SLOW_CONSUMER, new HubError("UNAVAILABLE", text), "connection");
  }

  /**
   * Closes the connection in any state. After this call, no more callbacks are called.
   *
   * @param code A WebSocket close code.
   * @param reason The reason, for a person.
   * @returns Resolves when the link is closed.
   */
  close(code: number = NORMAL_CLOSURE, reason = ""): Promise<void> {
    if (this.#closing) return this.#gone.promise;
    this.#closing = [code, reason];
    this.#outgoing?.flush();
    this.#stopTimer();
    this.#stopProof?.();
    this.#abort.abort(new HubError("DISCONNECTED", "Cannot go on: the connection has ended"));
    if (this.#closeLink) this.#hangUp(this.#closeLink);
    else if (!this.#link) this.#gone.resolve();
    return this.#gone.promise;
  }

  /**
   * The device may have slept: ends the connection unless it proves soon that it is alive. Only one proof runs at a
   * time. An attempt goes on if it has just begun, waits for the user's token, or has reached the server.
   */
  prove(): void {
    const { clock } = this.#settings;
    const now = clock.now();
    if (this.#closing || this.#stopProof) return;
    if (this.welcome) this.push(["ping"]);
    else if (this.#link || now - this.#dialledAt < PROOF_MS) return;
    this.#stopProof = clock.after(PROOF_MS, () => {
      this.#stopProof = undefined;
      // A frame that is read right after waking may have arrived before the sleep.
      if (this.#heardAt - now > PROOF_MS / 2) return;
      const error = new HubError(
        "DISCONNECTED",
        `Connection lost: no answer within ${PROOF_MS} ms after waking up`,
      );
      this.#drop(CLOSE_CODES.HEARTBEAT_TIMEOUT, error, { by: "asleep" });
    });
  }

  async #connect(): Promise<void> {
    const { addresses, token, transport, report } = this.#settings;
    let doing = "get the url";
    await undefined; // no user code runs before the owner has this connection and can close it
    if (this.#closing) return;
    try {
      const url = await addresses.current();
      this.#url = url;
      if (this.#closing) return;
      doing = "get a token";
      const proof = await token({ signal: this.#abort.signal });
      if (this.#closing) return;
      doing = "connect";
      this.#dialledAt = this.#settings.clock.now();
      const close = transport.connect(url, [this.#settings.codec.subprotocol], {
        open: (link) => this.#greet(link, proof),
        message: (frame) => this.#receive(frame),
        drain() {},
        close: (code, reason) => this.#closed(code, reason),
      });
      this.#closeLink = close;
      // A transport may open the link at once, and a callback may then have closed the connection.
      if (this.#closing) this.#hangUp(close);
    } catch (cause) {
      if (this.#closing) return;
      if (isRefusal(cause)) return this.#end({ error: cause, terminal: true });
      report(cause, { stage: "connect" });
      const why = cause instanceof Error ? cause.message : "?";
      this.#end({ error: new HubError("UNAVAILABLE", `Cannot ${doing}: ${why}`, { cause }), told: true });
    }
  }

  #greet(link: Link, token: string | undefined): void {
    this.#link = link;
    if (this.#closing) return;
    const { codec, role } = this.#settings;
    if (link.subprotocol !== codec.subprotocol) {
      const text = `Cannot talk to the server: it does not speak ${codec.subprotocol}`;
      const error = new HubError("BAD_REQUEST", text);
      return this.#drop(CLOSE_CODES.UNSUPPORTED_VERSION, error, { terminal: true });
    }
    const encode = (hello: Hello) => codec.join([codec.encode(["hello", hello])]);
    const plain = { role, token };
    let frame: Encoded;
    try {
      frame = encode({ ...plain, ...this.#events.hello(utf8Size(encode(plain))) });
    } catch (cause) {
      const error = toHubError(cause, "Cannot encode the hello");
      return this.#drop(CLOSE_CODES.PROTOCOL_ERROR, error, { terminal: true }); // retries cannot help
    }
    this.#send(frame);
  }

  /** If a transport throws, its link ends. The sender gets no error. */
  #send(frame: Encoded): void {
    try {
      this.#link?.send(frame);
    } catch (cause) {
      const error = new HubError("DISCONNECTED", "Connection lost: the transport failed to send", { cause });
      this.#fail(CLOSE_CODES.HEARTBEAT_TIMEOUT, error, "connection");
    }
  }

  #hangUp(close: (code: number, reason: string) => void): void {
    const [code, reason] = this.#closing!;
    try {
      close(code, reason);
    } catch (cause) {
      this.#gone.resolve();
      const error = new HubError("INTERNAL", "Cannot close the link: the transport failed", { cause });
      this.#settings.report(error, { stage: "connection" });
    }
  }

  #receive(frame: Encoded): void {
    if (this.#closing) return;
    this.#heardAt = this.#settings.clock.now();
    try {
      const messages = this.#settings.codec.decode(frame).map((message) => asServerMessage(message));
      for (const message of messages) {
        if (this.#closing) return;
        this.#take(message);
      }
    } catch (cause) {
      this.#fail(CLOSE_CODES.PROTOCOL_ERROR, toHubError(cause, "Cannot read the frame"), "protocol");
    }
  }

  #take(message: ServerMessage | UnreadableMessage): void {
    // A fault is the reason for a close only if the close comes right after it.
    this.#fault = undefined;
    const unreadable = message instanceof UnreadableMessage;
    const [kind] = unreadable ? message.head : message;
    if (kind !== "fault" && (kind === "welcome") === (this.welcome !== undefined)) {
      throw new HubError(
        "BAD_REQUEST",
        `Cannot take "${kind}" ${this.welcome ? "twice" : "before welcome"}`,
      );
    }
    if (unreadable) return this.#events.unreadable(message);
    switch (message[0]) {
      case "fault":
        return this.#hearFault(message[1], message[2]);
      case "welcome":
        return this.#open(message[1]);
      case "ping":
        // A server that does not read gets no pong: the bytes that wait already show that this client is alive.
        return this.congested ? undefined : this.push(["pong"]);
      case "pong":
        this.#stopProof?.();
        this.#stopProof = undefined;
        return;
      case "move":
        return this.#events.move(message[1]);
      default:
        return this.#events.message(message);
    }
  }

  #hearFault(fault: WireError, about?: string): void {
    const error = fromWireError(fault);
    const { reportRepeated } = this.#settings;
    if (about !== undefined) return reportRepeated(error, { stage: "signal", name: about });
    this.#fault = error;
    // Before the welcome, a fault refuses an attempt to connect. It is reported once, and not with every attempt.
    if (this.welcome) reportRepeated(error, { stage: "connection" });
  }

  #open(welcome: Welcome): void {
    this.#stopTimer();
    this.welcome = welcome;
    this.#outgoing = new FrameBatch({
      codec: this.#settings.codec,
      maxFrameBytes: welcome.maxFrameBytes,
      send: (frame) => this.#send(frame),
    });
    this.#watch(this.#settings.livenessTimeoutMs ?? welcome.heartbeatMs * 2);
    this.#events.open();
  }

  /**
   * Ends the connection when the server sends nothing for this long. The timer is set once per period, not per
   * message.
   */
  #watch(limitMs: number): void {
    if (limitMs <= 0) return;
    const { clock } = this.#settings;
    const check = (due: number) => {
      const silentMs = clock.now() - this.#heardAt;
      if (silentMs < limitMs) return set(limitMs - silentMs);
      if (clock.now() - due > LATE_MS) {
        // Frames may have arrived while nothing ran here, and they are not read yet.
        set(limitMs);
        return this.prove();
      }
      const error = new HubError("DISCONNECTED", `Connection lost: the server was silent for ${limitMs} ms`);
      this.#drop(CLOSE_CODES.HEARTBEAT_TIMEOUT, error);
    };
    const set = (ms: number) => {
      const due = clock.now() + ms;
      this.#stopTimer = clock.after(Math.min(ms, MAX_TIMER_MS), () => check(due), { background: true });
    };
    set(limitMs);
  }

  /** The link is closed, by this side or by the other. */
  #closed(code: number, reason: string): void {
    this.#gone.resolve();
    if (this.#closing) return;
    const what = this.welcome ? "Connection lost" : `Cannot connect to ${this.hub}`;
    const fallback = this.welcome ? "DISCONNECTED" : "UNAVAILABLE";
    const error = this.#fault ??
      new HubError(ERROR_OF_CLOSE[code] ?? fallback, `${what}: ${reason || "the link closed"} (${code})`);
    const by = code === CLOSE_CODES.GOING_AWAY ? "away" : undefined;
    this.#end({
      error,
      terminal: !mayReconnect(code),
      told: this.welcome !== undefined && error === this.#fault,
      by,
    });
  }

  /** Reports an error, and ends the connection from this side. */
  #fail(code: number, error: HubError, stage: ClientStage): void {
    this.#settings.report(error, { stage });
    if (!this.#closing) this.#drop(code, error, { told: true });
  }

  /** Ends the connection from this side. */
  #drop(code: number, error: HubError, how: Partial<ConnectionEnd> = {}): void {
    this.close(code, error.message);
    this.#end({ ...how, error });
  }

  /** Tells the owner. An error that ends the client is always reported, even if no call waits for it. */
  #end({ error, terminal = false, told = false, by }: Partial<ConnectionEnd> & { error: HubError }): void {
    this.close();
    if (terminal && !told) this.#settings.report(error, { stage: "connection" });
    this.#events.end({ error, terminal, told: told || terminal, reached: this.#link !== undefined, by });
  }
}
