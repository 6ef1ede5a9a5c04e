/**
 * WebSockets of Bun's server.
 *
 * @module
 */

import { CLOSE_CODES, type Encoded, exceedsUtf8, maxUtf8Size } from "../../contract/mod.ts";
import { MESSAGE_TOO_BIG, toSendableCode, toSendableReason } from "../kit/close.ts";
import {
  applicationHeaders,
  copiedRequest,
  isWellFormed,
  malformedUpgrade,
  type Upgradable,
  type WebSocketSkin,
  withoutHandler,
} from "./skin.ts";
import type { BunSocket, BunWebSocketHandler } from "./bun_handler.ts";
import type { Link, LinkAcceptor, LinkRequest, ServerLinkEvents } from "../transport.ts";

export type { BunSocket, BunWebSocketHandler, Upgradable, WebSocketSkin };

/** Bun's server, as far as it is used here. */
interface BunServer {
  upgrade(request: Request, options: { readonly data: unknown; readonly headers: HeadersInit }): boolean;
  requestIP(request: Request): { readonly address: string } | null;
}

/** What a client is answered that is gone: nobody reads it. As nginx logs it. */
const GONE = 499;

/** What the links of one subprotocol of one hub share. */
interface Terms {
  readonly subprotocol: string;
  readonly maxFrameBytes: number;
  readonly highWaterBytes: number;
  readonly compress: boolean;
  /** See `LinkAcceptor.report`. */
  report(error: Error): void;
}

/** An upgrade that is under way. Travels as the socket's `data`, which also tells our sockets from others. */
class Upgrade {
  readonly acceptor: LinkAcceptor;
  readonly request: LinkRequest;
  readonly terms: Terms;

  constructor(acceptor: LinkAcceptor, request: LinkRequest, terms: Terms) {
    this.acceptor = acceptor;
    this.request = request;
    this.terms = terms;
  }
}

/**
 * The name of a link's method for sockets that have outlived their program: `bun --hot` evaluates every module anew, this
 * one too, but keeps the server and its sockets. Known to every evaluation, unlike a class.
 */
const OUTLIVED = Symbol.for("trunkline.outlived");

/** What a new evaluation sees of a link of an old one. */
interface OldLink {
  readonly [OUTLIVED]?: unknown;
}

/** A socket of an old evaluation was heard of: nobody but its link knows its hub. */
function outlived({ data }: BunSocket): void {
  const end = (data as OldLink | null | undefined)?.[OUTLIVED];
  if (typeof end === "function") end.call(data);
}

/** The server's end of a WebSocket: the socket's `data` once it is open. */
class BunLink implements Link {
  readonly #terms: Terms;
  readonly #socket: BunSocket;
  readonly #events: ServerLinkEvents;
  #state: "open" | "closing" | "closed" = "open";
  #socketGone = false;
  #congested = false;
  /** An upper bound of what is buffered: asking the socket is a call out of JavaScript. */
  #atMost = 0;

  constructor(socket: BunSocket, { acceptor, request, terms }: Upgrade) {
    this.#terms = terms;
    this.#socket = socket;
    socket.data = this; // first: the hub may close at once, and Bun then reports the close within the call
    this.#events = acceptor.accept(this, request);
  }

  /** The link of a socket, if the socket is one of ours. */
  static of({ data }: BunSocket): BunLink | undefined {
    return data instanceof BunLink ? data : undefined;
  }

  get subprotocol(): string {
    return this.#terms.subprotocol;
  }

  get bufferedAmount(): number {
    if (this.#state !== "open") return 0;
    if (this.#atMost >= this.#terms.highWaterBytes) this.#atMost = this.#socket.getBufferedAmount();
    return this.#atMost;
  }

  send(frame: Encoded): void {
    if (this.#state !== "open") return;
    this.#socket.send(frame, this.#terms.compress);
    this.#atMost += maxUtf8Size(frame);
    this.#congested ||= this.bufferedAmount >= this.#terms.highWaterBytes;
  }

  close(code: number, reason: string): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    const sent = { code: toSendableCode(code), reason: toSendableReason(reason) };
    // Bun reports the close within the call: that report is passed over, so that ours never comes before this returns.
    this.#socket.close(sent.code, sent.reason);
    queueMicrotask(() => this.#end(sent.code, sent.reason));
  }

  /** A frame arrived. */
  received(frame: string | Uint8Array): void {
    if (this.#state !== "open") return;
    // Bun's `Buffer` slices unlike a `Uint8Array`, so what arrives is looked at as the plain type.
    const data = typeof frame === "string" ? frame : toPlainBytes(frame);
    // The server's own limit may be that of another hub.
    if (exceedsUtf8(data, this.#terms.maxFrameBytes)) this.close(MESSAGE_TOO_BIG, "Frame too large");
    else this.#events.message(data);
  }

  /** Some of what waited has left. */
  drained(): void {
    if (!this.#congested || this.#state !== "open" || this.bufferedAmount >= this.#terms.highWaterBytes) {
      return;
    }
    this.#congested = false;
    this.#events.drain();
  }

  /** The program was loaded anew: the client finds the new hub when it connects again. */
  [OUTLIVED](): void {
    if (this.#state === "open") this.#terms.report(new Error(RELOADED));
    this.close(CLOSE_CODES.GOING_AWAY, "The server was loaded anew");
    this.closed(CLOSE_CODES.GOING_AWAY, "");
  }

  /** The socket is gone. */
  closed(code: number, reason: string): void {
    if (this.#socketGone) return;
    this.#socketGone = true;
    if (this.#state === "open") this.#end(code, reason);
    else if (this.#state === "closed") this.#events.freed();
  }

  #end(code: number, reason: string): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#events.close(code, reason);
    if (this.#socketGone) this.#events.freed();
  }
}

const RELOADED =
  "The server was loaded anew (bun --hot) and this hub was not closed: it stays in the cluster, and its clients are sent " +
  "to the new one. Close it when the module is loaded again: globalThis.hub?.close(); globalThis.hub = hub";

/** The same bytes; Bun makes a buffer of its own for every frame. */
function toPlainBytes({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(buffer as ArrayBuffer, byteOffset, byteLength);
}

function isServer(value: unknown): value is BunServer {
  const server = value as Partial<BunServer> | null | undefined;
  return typeof server?.upgrade === "function" && typeof server.requestIP === "function";
}

/** Finds the server in what `fetch` was given: itself, or an environment that holds it as `server`. */
function serverOf(platform: unknown): BunServer | undefined {
  if (isServer(platform)) return platform;
  const server = (platform as { readonly server?: unknown } | null | undefined)?.server;
  return isServer(server) ? server : undefined;
}

/**
 * Makes what upgrades requests of `Bun.serve`, for one transport.
 *
 * @param options Whether frames are compressed.
 */
export function createBunSkin(
  { perMessageDeflate }: Pick<BunHandlerOptions, "perMessageDeflate">,
): WebSocketSkin {
  const known = new Map<string, Terms>();
  const termsOf = (acceptor: LinkAcceptor, subprotocol: string): Terms => {
    const { subprotocols, maxFrameBytes, highWaterBytes } = acceptor;
    const terms = known.get(subprotocol) ??
      {
        subprotocol,
        maxFrameBytes,
        highWaterBytes,
        compress: perMessageDeflate,
        report: (error: Error) => acceptor.report(error),
      };
    if (subprotocols.includes(subprotocol)) known.set(subprotocol, terms); // what clients make up is not kept
    return terms;
  };
  return {
    recognise(request: Request, platform: unknown): Upgradable | undefined {
      const server = serverOf(platform);
      if (!server) return undefined;
      const link = { request, address: server.requestIP(request)?.address };
      return {
        link,
        upgrade(acceptor: LinkAcceptor, subprotocol: string, headers: Headers | undefined): Response {
          if (request.signal.aborted) { // while it waited for its turn
            acceptor.withdraw(link);
            return new Response(null, { status: GONE });
          }
          const data = new Upgrade(acceptor, link, termsOf(acceptor, subprotocol));
          const answer = applicationHeaders(headers);
          // Left to itself Bun echoes the offer, and older ones do so beside what is set here: a client refuses two.
          const offer = request.headers.get("sec-websocket-protocol") ?? "";
          if (offer !== subprotocol) answer.set("sec-websocket-protocol", subprotocol);
          // Bun has written the answer itself when it upgraded, and passes over this one.
          let upgraded: boolean;
          try {
            upgraded = server.upgrade(request, { data, headers: answer });
          } catch (error) { // Bun throws where the server was given no `websocket`
            acceptor.withdraw(link);
            return withoutHandler(acceptor, error);
          }
          if (upgraded) return new Response(null);
          acceptor.withdraw(link);
          return isWellFormed(request) ? copiedRequest(acceptor) : malformedUpgrade(acceptor);
        },
      };
    },
  };
}

/** Options of {@linkcode createBunHandler}. */
export interface BunHandlerOptions {
  /** The largest frame taken, in bytes; Bun closes with code 1009 as soon as a larger one is announced. */
  readonly maxFrameBytes: number;
  /** Whether frames are compressed. */
  readonly perMessageDeflate: boolean;
}

/**
 * Makes what Bun's server takes as `websocket`. Its functions pass over sockets that {@linkcode bunSkin} did not
 * upgrade, so a server with sockets of its own may call them from its handler.
 *
 * @param options The largest frame, and compression.
 */
export function createBunHandler(
  { maxFrameBytes, perMessageDeflate }: BunHandlerOptions,
): BunWebSocketHandler {
  const check = ({ acceptor, terms }: Upgrade) => {
    if (terms.maxFrameBytes <= maxFrameBytes && (!terms.compress || perMessageDeflate)) return;
    acceptor.report(
      new TypeError(
        `Cannot keep to the hub's own limits: the server was given the \`websocket\` of another hub, which takes frames of at most ` +
          `${maxFrameBytes} bytes where this one takes ${terms.maxFrameBytes}. Where one server has several hubs, give it ` +
          "joinBunHandlers([a.websocket, b.websocket])",
      ),
    );
  };
  return {
    maxPayloadLength: maxFrameBytes,
    perMessageDeflate,
    // Bun closes when a pong is late by eight seconds, however busy this process is; the hub has heartbeats of its own.
    // A client that does not answer a close is cut off by Bun a few seconds later all the same.
    idleTimeout: 0,
    sendPings: false,
    // No limit: how much may wait is the hub's policy, and above a limit Bun would drop frames.
    backpressureLimit: 0,
    closeOnBackpressureLimit: false,
    open(socket) {
      const { data } = socket;
      if (!(data instanceof Upgrade)) return;
      check(data);
      new BunLink(socket, data);
    },
    message(socket, frame) {
      const link = BunLink.of(socket);
      if (link) link.received(frame);
      else outlived(socket);
    },
    drain: (socket) => BunLink.of(socket)?.drained(),
    close(socket, code, reason) {
      const link = BunLink.of(socket);
      if (link) link.closed(code, reason);
      else outlived(socket);
    },
  };
}

/**
 * Makes one `websocket` of those of several hubs, for one server of Bun. Each hub keeps its own limit of frames; the
 * server takes the largest.
 *
 * @param handlers The `websocket` of each hub.
 * @throws {TypeError} When there is none.
 *
 * @example
 * ```ts ignore
 * export default { fetch: app.fetch, websocket: joinBunHandlers([chat.websocket, game.websocket]) };
 * ```
 */
export function joinBunHandlers(handlers: readonly BunWebSocketHandler[]): BunWebSocketHandler {
  if (handlers.length === 0) throw new TypeError("Cannot join no handlers: give the websocket of each hub");
  return createBunHandler({
    maxFrameBytes: Math.max(...handlers.map(({ maxPayloadLength }) => maxPayloadLength)),
    perMessageDeflate: handlers.some(({ perMessageDeflate }) => perMessageDeflate),
  });
}
