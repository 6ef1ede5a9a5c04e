/**
 * Links inside one process, for tests. They keep the order and the timing of a network, and can simulate its faults.
 *
 * @module
 */

import { type Encoded, exceedsUtf8, utf8Size } from "../contract/mod.ts";
import { text } from "../contract/options/option_kinds.ts";
import { type Kind, optional, or, readOptions, type Rows, wrong } from "../contract/options/read_options.ts";
import { ABNORMAL_CLOSURE, MESSAGE_TOO_BIG, toSendableCode, toSendableReason } from "./kit/close.ts";
import { chooseSubprotocol } from "./kit/subprotocol.ts";
import type { ClientTransport, Link, LinkAcceptor, LinkEvents, LinkRequest, Transport } from "./transport.ts";

/** What a {@linkcode LoopbackClient} shows to a hub. */
export interface LoopbackClientOptions {
  /**
   * The client's address.
   *
   * @default {"127.0.0.1"}
   */
  readonly address?: string;
  /** Headers of the request that opens a link: `origin`, `cookie`, `authorization`. */
  readonly headers?: HeadersInit;
}

/**
 * The client side, with the faults of a network. Each fault affects the links that are open at the time of the call.
 */
export interface LoopbackClient extends ClientTransport {
  /** Stops reading, like a slow client: the server's frames wait in its `bufferedAmount`. */
  pause(): void;
  /** Reads again. */
  resume(): void;
  /** Breaks the links without a close frame. Both ends close with code 1006, and frames on their way are lost. */
  sever(): void;
  /**
   * Loses everything that is sent from now on, in both directions, without a report to either end, like a dead
   * network.
   */
  blackhole(): void;
  /**
   * Makes the server unreachable for new links, or reachable again. While it is unreachable, `connect` closes with
   * code 1006.
   *
   * @param refused Whether new links fail.
   */
  refuse(refused: boolean): void;
}

/** Carries links inside one process. Made by {@linkcode createLoopbackTransport}. */
export interface LoopbackTransport extends Transport {
  /**
   * Makes a client transport that opens links to the hub of this transport.
   *
   * @param options What the client shows to the hub.
   */
  client(options?: LoopbackClientOptions): LoopbackClient;
}

/** The largest frame of an end, and when the end counts as congested. */
interface EndLimits {
  readonly maxFrameBytes: number;
  readonly highWaterBytes: number;
}

/** One end of a link. It holds the frames that the other end sent and that it has not read yet. */
class End implements Link {
  readonly subprotocol: string;
  readonly #limits: EndLimits;
  readonly #inbox: Encoded[] = [];
  #unreadBytes = 0;
  #peer: End | undefined;
  #events: LinkEvents | undefined;
  #state: "open" | "closing" | "closed" = "open";
  /** How the other end closed. It is reported after all its frames. */
  #farewell: { readonly code: number; readonly reason: string } | undefined;
  #reading = false;
  #paused = false;
  #lossy = false;
  #congested = false;

  constructor(subprotocol: string, limits: EndLimits) {
    this.subprotocol = subprotocol;
    this.#limits = limits;
  }

  /** Connects two ends to a link. */
  static join(one: End, other: End): void {
    one.#peer = other;
    other.#peer = one;
  }

  /** Sets the callbacks of this end. */
  report(events: LinkEvents): void {
    this.#events = events;
  }

  get bufferedAmount(): number {
    return this.#state === "open" ? this.#peer!.#unreadBytes : 0;
  }

  send(frame: Encoded): void {
    if (this.#state !== "open" || this.#lossy) return;
    // As in a network: the sender may use its bytes again, and text is valid Unicode.
    this.#peer!.#put(typeof frame === "string" ? frame.toWellFormed() : frame.slice());
    this.#congested ||= this.bufferedAmount >= this.#limits.highWaterBytes;
  }

  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    const farewell = { code: toSendableCode(code), reason: toSendableReason(reason) };
    if (!this.#lossy) {
      this.#peer!.#farewell = farewell;
      this.#peer!.#read();
    }
    this.#leave(farewell.code, farewell.reason);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#read();
  }

  sever(): void {
    for (const end of [this, this.#peer!]) if (end.#state === "open") end.#leave(ABNORMAL_CLOSURE, "");
  }

  blackhole(): void {
    for (const end of [this, this.#peer!]) {
      end.#lossy = true;
      end.#empty();
    }
  }

  #put(frame: Encoded): void {
    if (this.#state !== "open") return;
    this.#inbox.push(frame);
    this.#unreadBytes += utf8Size(frame);
    this.#read();
  }

  /** Reads the waiting frames soon, but never inside the call that sent them. */
  #read(): void {
    if (this.#reading) return;
    this.#reading = true;
    queueMicrotask(() => {
      this.#reading = false;
      while (this.#state === "open" && !this.#paused && this.#inbox.length > 0) {
        this.#take(this.#inbox.shift()!);
      }
      if (this.#state !== "open" || this.#paused || !this.#farewell) return;
      this.#end(this.#farewell.code, this.#farewell.reason);
    });
  }

  #take(frame: Encoded): void {
    this.#unreadBytes -= utf8Size(frame);
    if (exceedsUtf8(frame, this.#limits.maxFrameBytes)) this.close(MESSAGE_TOO_BIG, "Frame too large");
    else this.#events!.message(frame);
    this.#peer!.#checkDrained();
  }

  #checkDrained(): void {
    if (!this.#congested || this.#state !== "open" || this.bufferedAmount >= this.#limits.highWaterBytes) {
      return;
    }
    this.#congested = false;
    this.#events!.drain();
  }

  #leave(code: number, reason: string): void {
    this.#state = "closing";
    this.#empty();
    queueMicrotask(() => this.#end(code, reason));
  }

  #end(code: number, reason: string): void {
    this.#state = "closed";
    this.#events!.close(code, reason);
  }

  #empty(): void {
    this.#inbox.length = 0;
    this.#unreadBytes = 0;
  }
}

const headers: Kind<Headers> = (value, place) => {
  try {
    if (typeof value !== "object") throw value;
    return new Headers(value as HeadersInit);
  } catch {
    throw wrong(value, place, "headers, as new Headers() takes them");
  }
};

const CLIENT = {
  address: or(text, "127.0.0.1"),
  headers: optional(headers),
} satisfies Rows<LoopbackClientOptions>;

/** The client side of one hub's loopback. */
class Client implements LoopbackClient {
  readonly #acceptor: () => LinkAcceptor | undefined;
  readonly #options: LoopbackClientOptions;
  readonly #open = new Set<End>();
  #refused = false;

  constructor(acceptor: () => LinkAcceptor | undefined, options: LoopbackClientOptions) {
    this.#acceptor = acceptor;
    this.#options = options;
  }

  connect(
    url: string,
    subprotocols: readonly string[],
    events: LinkEvents & { open(link: Link): void },
  ): (code: number, reason: string) => void {
    let end: End | undefined;
    let over = false;
    const fail = (code: number, reason: string) => {
      if (over) return;
      over = true;
      queueMicrotask(() => events.close(code, reason));
    };
    queueMicrotask(() => {
      if (over) return;
      end = this.#dial(url, subprotocols, events);
      if (end) events.open(end);
      else fail(ABNORMAL_CLOSURE, "");
    });
    return (code, reason) => end ? end.close(code, reason) : fail(code, reason);
  }

  pause(): void {
    for (const end of this.#open) end.pause();
  }

  resume(): void {
    for (const end of this.#open) end.resume();
  }

  sever(): void {
    for (const end of this.#open) end.sever();
  }

  blackhole(): void {
    for (const end of this.#open) end.blackhole();
  }

  refuse(refused: boolean): void {
    this.#refused = refused;
  }

  /** Opens a link, unless there is no hub or the hub refuses. */
  #dial(url: string, subprotocols: readonly string[], events: LinkEvents): End | undefined {
    const acceptor = this.#acceptor();
    if (!acceptor || this.#refused) return undefined;
    const request = this.#request(url, subprotocols);
    if (acceptor.admit(request)) return undefined;
    const subprotocol = chooseSubprotocol(subprotocols, acceptor.subprotocols);
    const { highWaterBytes, maxFrameBytes } = acceptor;
    const near = new End(subprotocol, { highWaterBytes, maxFrameBytes: Infinity });
    const far = new End(subprotocol, { highWaterBytes, maxFrameBytes });
    End.join(near, far);
    this.#open.add(near);
    near.report({
      message: (frame) => events.message(frame),
      drain: () => events.drain(),
      close: (code, reason) => {
        this.#open.delete(near);
        events.close(code, reason);
      },
    });
    const server = acceptor.accept(far, request);
    far.report({
      message: (frame) => server.message(frame),
      drain: () => server.drain(),
      close(code, reason) {
        server.close(code, reason);
        server.freed();
      },
    });
    return near;
  }

  #request(url: string, subprotocols: readonly string[]): LinkRequest {
    const { address, headers } = this.#options;
    const sent = new Headers(headers);
    if (subprotocols.length > 0) sent.set("sec-websocket-protocol", subprotocols.join(", "));
    return { request: new Request(url.replace(/^ws/, "http"), { headers: sent }), address };
  }
}

class Loopback implements LoopbackTransport {
  readonly name = "loopback";
  #acceptor: LinkAcceptor | undefined;

  attach(acceptor: LinkAcceptor): void {
    if (this.#acceptor) {
      throw new TypeError("Cannot give one loopback transport to two hubs: create one for each");
    }
    this.#acceptor = acceptor;
  }

  client(options?: LoopbackClientOptions): LoopbackClient {
    return new Client(() => this.#acceptor, readOptions("client", options, CLIENT));
  }
}

/**
 * Makes a transport that carries links inside one process. Frames arrive in order and asynchronously, in microtasks.
 * The client side can be made slow, disconnected or unreachable. If two ends answer each other without end, no timer
 * can run.
 *
 * @example
 * ```ts
 * import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
 * import { assertEquals } from "@std/assert";
 *
 * const transport = createLoopbackTransport();
 * transport.attach({
 *   subprotocols: ["echo"],
 *   maxFrameBytes: 1_024,
 *   highWaterBytes: 1_024,
 *   admit: () => undefined,
 *   withdraw() {},
 *   report: (error) => console.error(error),
 *   accept: (link) => ({ message: (frame) => link.send(frame), drain() {}, close() {}, freed() {} }),
 * });
 * const echo = await new Promise((resolve) =>
 *   transport.client().connect("ws://localhost/", ["echo"], {
 *     open: (link) => link.send("hello"),
 *     message: resolve,
 *     drain() {},
 *     close() {},
 *   })
 * );
 * assertEquals(echo, "hello");
 * ```
 */
export function createLoopbackTransport(): LoopbackTransport {
  return new Loopback();
}
