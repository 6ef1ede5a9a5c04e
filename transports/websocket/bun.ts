/**
 * WebSockets on Bun's server.
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
  type Opening,
  type Upgradable,
  type WebSocketSkin,
  withoutHandler,
} from "./skin.ts";
import type { BunSocket, BunWebSocketHandler } from "./bun_handler.ts";
import type { Link, LinkAcceptor, LinkRequest, ServerLinkEvents } from "../transport.ts";

export type { BunSocket, BunWebSocketHandler, Opening, Upgradable, WebSocketSkin };

/** The part of Bun's server that is used here. */
interface BunServer {
  upgrade(request: Request, options: { readonly data: unknown; readonly headers?: HeadersInit }): boolean;
  requestIP(request: Request): { readonly address: string } | null;
}

/** The answer to a client that has already gone. No client reads it. nginx logs the same code. */
const GONE = 499;

/** Settings that all links of one subprotocol of one hub share. */
interface Terms {
  readonly subprotocol: string;
  readonly maxFrameBytes: number;
  readonly highWaterBytes: number;
  readonly compress: boolean;
  /** See `LinkAcceptor.report`. */
  report(error: Error): void;
}

/** An upgrade that is not finished. It is the socket's `data`, so it also marks the sockets of this transport. */
class Upgrade {
  readonly acceptor: LinkAcceptor;
  readonly request: LinkRequest;
  readonly terms: Terms;
  /** Whether the hub's handler has had the socket. */
  isOpen = false;

  constructor(acceptor: LinkAcceptor, request: LinkRequest, terms: Terms) {
    this.acceptor = acceptor;
    this.request = request;
    this.terms = terms;
  }
}

/**
 * The name of a link's method for sockets of an earlier version of the program. `bun --hot` evaluates every module
 * again, also this one, but keeps the server and its sockets. All versions know this symbol, but not each other's
 * classes.
 */
const OUTLIVED = Symbol.for("trunkline.outlived");

/** A link of an earlier evaluation, as a new one sees it. */
interface OldLink {
  readonly [OUTLIVED]?: unknown;
}

/** A socket of an earlier evaluation had an event. Only its link knows its hub. */
function outlived({ data }: BunSocket): void {
  const end = (data as OldLink | null | undefined)?.[OUTLIVED];
  if (typeof end === "function") end.call(data);
}

/**
 * The states of a link. From `closing` on the link is closed for the hub, but the hub has not been told yet; in `cut`
 * the socket is closed already. In `closed` the hub has been told; in `free` also that the socket is closed.
 */
type LinkState = "open" | "closing" | "cut" | "closed" | "free";

/** The server's end of a WebSocket. It is the socket's `data` once the socket is open. */
class BunLink implements Link {
  readonly #terms: Terms;
  readonly #socket: BunSocket;
  readonly #events: ServerLinkEvents;
  #state: LinkState = "open";
  #congested = false;
  /** An upper bound of the buffered bytes, because asking the socket is a slow call out of JavaScript. */
  #atMost = 0;

  constructor(socket: BunSocket, { acceptor, request, terms }: Upgrade) {
    this.#terms = terms;
    this.#socket = socket;
    socket.binaryType = "uint8array"; // Bun's `Buffer` slices differently
    socket.data = this; // first, because the hub may close at once, and Bun reports that inside the call
    this.#events = acceptor.accept(this, request);
  }

  /** The link of a socket, if the socket belongs to this transport. */
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
    // Bun reports the close inside this call. That report is ignored, so that `close` is reported only after this
    // method returns.
    this.#socket.close(sent.code, sent.reason);
    queueMicrotask(() => this.#end(sent.code, sent.reason));
  }

  /** A frame arrived. */
  received(frame: Encoded): void {
    if (this.#state !== "open") return;
    // The limit of the server may belong to another hub.
    if (exceedsUtf8(frame, this.#terms.maxFrameBytes)) this.close(MESSAGE_TOO_BIG, "Frame too large");
    else this.#events.message(frame);
  }

  /** Some waiting bytes have left. */
  drained(): void {
    if (!this.#congested || this.#state !== "open" || this.bufferedAmount >= this.#terms.highWaterBytes) {
      return;
    }
    this.#congested = false;
    this.#events.drain();
  }

  /** The program was reloaded. The client finds the new hub when it reconnects. */
  [OUTLIVED](): void {
    if (this.#state === "open") this.#terms.report(new Error(RELOADED));
    this.close(CLOSE_CODES.GOING_AWAY, "The server was reloaded");
    this.closed(CLOSE_CODES.GOING_AWAY, "");
  }

  /** The socket is closed. */
  closed(code: number, reason: string): void {
    const state = this.#state;
    if (state === "open" || state === "closing") this.#state = "cut";
    if (state === "open") this.#end(code, reason);
    if (state !== "closed") return;
    this.#state = "free";
    this.#events.freed();
  }

  /** Tells the hub that the link is closed. Called once. */
  #end(code: number, reason: string): void {
    const isCut = this.#state === "cut";
    this.#state = isCut ? "free" : "closed";
    this.#events.close(code, reason);
    if (isCut) this.#events.freed();
  }
}

const RELOADED =
  "The server was reloaded (bun --hot), but this hub was not closed. It stays in the cluster, and its clients are sent " +
  "to the new one. Close it when the module is loaded again: globalThis.hub?.close(); globalThis.hub = hub";

function isServer(value: unknown): value is BunServer {
  const server = value as Partial<BunServer> | null | undefined;
  return typeof server?.upgrade === "function" && typeof server.requestIP === "function";
}

/** Finds the server in the second argument of `fetch`: the argument itself, or its property `server`. */
function serverOf(platform: unknown): BunServer | undefined {
  if (isServer(platform)) return platform;
  const server = (platform as { readonly server?: unknown } | null | undefined)?.server;
  return isServer(server) ? server : undefined;
}

/**
 * Makes the part that upgrades requests of `Bun.serve`, for one transport.
 *
 * @param options Whether frames are compressed.
 */
export function createBunSkin(
  { perMessageDeflate }: Pick<BunHandlerOptions, "perMessageDeflate">,
): WebSocketSkin {
  const known = new Map<string, Terms>();
  const termsOf = (acceptor: LinkAcceptor, subprotocol: string): Terms => {
    const before = known.get(subprotocol);
    if (before) return before;
    const { subprotocols, maxFrameBytes, highWaterBytes } = acceptor;
    const terms = {
      subprotocol,
      maxFrameBytes,
      highWaterBytes,
      compress: perMessageDeflate,
      report: (error: Error) => acceptor.report(error),
    };
    if (subprotocols.includes(subprotocol)) known.set(subprotocol, terms); // names that clients invent are not kept
    return terms;
  };
  return {
    recognise(request: Request, platform: unknown): Upgradable | undefined {
      const server = serverOf(platform);
      if (!server) return undefined;
      const link = { request, address: server.requestIP(request)?.address };
      return {
        link,
        upgrade(acceptor: LinkAcceptor, { subprotocol, offer, headers }: Opening): Response {
          const data = new Upgrade(acceptor, link, termsOf(acceptor, subprotocol));
          // By itself Bun echoes the client's offer. Older versions of Bun do that even if a header is set here, and
          // a client refuses two headers.
          const answer = answerHeaders(headers, offer === subprotocol ? undefined : subprotocol);
          // After an upgrade, Bun has already written the answer, and ignores this one.
          let upgraded: boolean;
          try {
            upgraded = server.upgrade(request, answer ? { data, headers: answer } : { data });
          } catch (error) { // Bun throws if the server has no `websocket`
            acceptor.withdraw(link);
            return withoutHandler(acceptor, error);
          }
          if (upgraded) {
            // Bun has opened the socket in this call. If the hub has not heard of it, it never will.
            if (!data.isOpen) setTimeout(() => otherHandler(data));
            return new Response(null);
          }
          acceptor.withdraw(link);
          // It may have waited, here or in the application. Only then is its signal read: that makes one.
          if (request.signal.aborted) return new Response(null, { status: GONE });
          return isWellFormed(request) ? copiedRequest(acceptor) : malformedUpgrade(acceptor);
        },
      };
    },
  };
}

/** The headers of the answer to an upgrade; `undefined` if there are none, because an empty `Headers` costs something. */
function answerHeaders(given: Headers | undefined, subprotocol: string | undefined): Headers | undefined {
  const list = applicationHeaders(given);
  if (list.length === 0 && subprotocol === undefined) return undefined;
  const headers = new Headers([...list]);
  if (subprotocol !== undefined) headers.set("sec-websocket-protocol", subprotocol);
  return headers;
}

/** A socket is open, and the hub's handler was not told: the server has a handler of somebody else. */
function otherHandler({ acceptor, request, isOpen }: Upgrade): void {
  if (isOpen) return;
  acceptor.withdraw(request);
  acceptor.report(new TypeError(OTHER_HANDLER));
}

const OTHER_HANDLER =
  "Cannot talk to clients: the server has another `websocket` than the hub's, so the hub gets no socket. Give it the hub's: " +
  "Bun.serve({ fetch, websocket: hub.websocket }). If the server has sockets of its own too, for example with hono/bun, " +
  "give it functions that call both: open, message, drain and close of hub.websocket ignore the sockets of others";

/** Options of {@linkcode createBunHandler}. */
export interface BunHandlerOptions {
  /** The largest frame that is accepted, in bytes. Bun closes with code 1009 as soon as a larger one is announced. */
  readonly maxFrameBytes: number;
  /** Whether frames are compressed. */
  readonly perMessageDeflate: boolean;
}

/**
 * Makes the `websocket` of Bun's server. Its functions ignore all sockets that {@linkcode createBunSkin} did not
 * upgrade, so a server with other sockets may call them from its own handler.
 *
 * @param options The largest frame, and whether frames are compressed.
 */
export function createBunHandler(
  { maxFrameBytes, perMessageDeflate }: BunHandlerOptions,
): BunWebSocketHandler {
  const check = ({ acceptor, terms }: Upgrade) => {
    if (terms.maxFrameBytes <= maxFrameBytes && (!terms.compress || perMessageDeflate)) return;
    acceptor.report(
      new TypeError(
        `Cannot keep to the hub's own limits: the server has the \`websocket\` of another hub. That one takes frames of at most ` +
          `${maxFrameBytes} bytes, this hub takes ${terms.maxFrameBytes}. If one server has several hubs, give it ` +
          "joinBunHandlers([a.websocket, b.websocket])",
      ),
    );
  };
  return {
    maxPayloadLength: maxFrameBytes,
    perMessageDeflate,
    // Bun closes a socket if a pong is late by eight seconds, even if this process is busy. The hub has its own
    // heartbeats. If a client does not answer a close, Bun still cuts it off a few seconds later.
    idleTimeout: 0,
    sendPings: false,
    // No limit: the hub decides how much may wait, and above a limit Bun would drop frames.
    backpressureLimit: 0,
    closeOnBackpressureLimit: false,
    open(socket) {
      const { data } = socket;
      if (!(data instanceof Upgrade)) return;
      data.isOpen = true;
      check(data);
      new BunLink(socket, data);
    },
    message(socket, frame) {
      const link = BunLink.of(socket);
      if (link) link.received(frame as Encoded);
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
 * Joins the `websocket` of several hubs into one, for one server of Bun. Each hub keeps its own limit for frames; the
 * server's limit is the largest of them.
 *
 * @param handlers The `websocket` of each hub.
 * @throws {TypeError} When the list is empty.
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
