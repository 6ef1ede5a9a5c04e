/**
 * Links inside one process, for tests: with the order and the timing of a network, and its faults on demand.
 *
 * @module
 */

import { type Encoded, exceedsUtf8, utf8Size } from "../contract/mod.ts";
import { text } from "../contract/options/option_kinds.ts";
import { type Kind, optional, or, readOptions, type Rows, wrong } from "../contract/options/read_options.ts";
import { ABNORMAL_CLOSURE, MESSAGE_TOO_BIG, toSendableCode, toSendableReason } from "./kit/close.ts";
import { chooseSubprotocol } from "./kit/subprotocol.ts";
import type { ClientTransport, Link, LinkAcceptor, LinkEvents, LinkRequest, Transport } from "./transport.ts";

/** What a hub gets to know of a {@linkcode LoopbackClient}. */
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

/** The client's side, with the faults of a network. Each acts on the links that are open when it is called. */
export interface LoopbackClient extends ClientTransport {
  /** Stops reading, as a client does that is too slow: what the server sends waits in its `bufferedAmount`. */
  pause(): void;
  /** Reads on. */
  resume(): void;
  /** Cuts the links without a goodbye: both ends close with code 1006, and what is under way is lost. */
  sever(): void;
  /** Loses whatever is sent from now on, both ways, and tells neither end: a dead network. */
  blackhole(): void;
  /**
   * Makes the server unreachable for new links, or reachable again: `connect` closes with code 1006.
   *
   * @param refused Whether new links fail.
   */
  refuse(refused: boolean): void;
}

/** Carries links inside one process. Made by {@linkcode createLoopbackTransport}. */
export interface LoopbackTransport extends Transport {
  /**
   * Makes a client's side that opens links to the hub of this transport.
   *
   * @param options What the hub gets to know of it.
   */
  client(options?: LoopbackClientOptions): LoopbackClient;
}

/** How much an end takes, and when it counts as congested. */
interface EndLimits {
  readonly maxFrameBytes: number;
  readonly highWaterBytes: number;
}

/** One of the two ends of a link. It holds what the other end has sent and it has not read yet. */
class End implements Link {
  readonly subprotocol: string;
  readonly #limits: EndLimits;
  readonly #inbox: Encoded[] = [];
  #unreadBytes = 0;
  #peer: End | undefined;
  #events: LinkEvents | undefined;
  #state: "open" | "closing" | "closed" = "open";
  /** How the other end closed; comes after all that it had sent. */
  #farewell: { readonly code: number; readonly reason: string } | undefined;
  #reading = false;
  #paused = false;
  #lossy = false;
  #congested = false;

  constructor(subprotocol: string, limits: EndLimits) {
    this.subprotocol = subprotocol;
    this.#limits = limits;
  }

  /** Makes a link of two ends. */
  static join(one: End, other: End): void {
    one.#peer = other;
    other.#peer = one;
  }

  /** Says where this end reports. */
  report(events: LinkEvents): void {
    this.#events = events;
  }

  get bufferedAmount(): number {
    return this.#state === "open" ? this.#peer!.#unreadBytes : 0;
  }

  send(frame: Encoded): void {
    if (this.#state !== "open" || this.#lossy) return;
    // As a network does: whoever sends may use its bytes again, and text is Unicode.
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

  /** Reads what is there, soon: never within the call that sent it. */
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
    throw wrong(value, place, "what Headers can be made of");
  }
};

const CLIENT = {
  address: or(text, "127.0.0.1"),
  headers: optional(headers),
} satisfies Rows<LoopbackClientOptions>;

/** The client's side of one hub's loopback. */
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

  /** Opens a link, unless nobody is there or the hub refuses. */
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
 * Makes a transport that carries links inside one process. Frames arrive in order and asynchronously, in microtasks;
 * the client's side can be slow, cut off or unreachable at will. Two ends that answer each other without an end leave
 * timers no time to run.
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
