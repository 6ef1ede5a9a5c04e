/**
 * The transport seam: client ↔ server. A transport turns whatever carries bytes into links; the hub makes connections
 * of them, the client its own.
 *
 * @module
 */

import type { Encoded, WebHeaders, WebRequest, WebResponse } from "../contract/mod.ts";

/** One end of something that carries frames in order, whole, both ways, until it closes. */
export interface Link {
  /** The subprotocol that both ends agreed on: it names the codec. */
  readonly subprotocol: string;
  /**
   * How many bytes were handed to `send` and have not left yet, as far as the carrier can tell. Below
   * `LinkAcceptor.highWaterBytes` it may be too high, because finding out costs as much as sending.
   */
  readonly bufferedAmount: number;
  /**
   * Sends a frame. Returns at once; after the link has closed it does nothing.
   *
   * @param frame What to send.
   */
  send(frame: Encoded): void;
  /**
   * Closes the link, after whatever was sent before. Idempotent. `LinkEvents.close` follows, once.
   *
   * @param code A WebSocket close code.
   * @param reason For a person; at most 123 bytes, longer ones are cut.
   */
  close(code: number, reason: string): void;
}

/** What whoever owns an end of a link wants to know. None of them throws, and none is called within a call of the link. */
export interface LinkEvents {
  /** A frame arrived. */
  message(frame: Encoded): void;
  /** `bufferedAmount` fell below `LinkAcceptor.highWaterBytes` after a frame had taken it there. */
  drain(): void;
  /** The link is gone; nothing follows. Called exactly once. */
  close(code: number, reason: string): void;
}

/** What a server wants to know of its end of a link. */
export interface ServerLinkEvents extends LinkEvents {
  /**
   * The carrier has let go of the link: nothing of it is left that costs memory or a socket. Called exactly once, after
   * `close`: at once where that is so, or much later where a client does not answer a close and the runtime has no way to
   * cut it off. Until then the link counts for the limits.
   */
  freed(): void;
}

/** What a server knows of a client before the client has said a word. */
export interface LinkRequest {
  /** The request that opened the link, with its URL, headers and cookies. */
  readonly request: WebRequest;
  /** The address at the other end, where the platform tells; behind a proxy the proxy's. */
  readonly address: string | undefined;
}

/** The hub, as a transport sees it. */
export interface LinkAcceptor {
  /** The subprotocols that the hub speaks, the preferred one first. */
  readonly subprotocols: readonly string[];
  /** The largest frame that the hub takes, in bytes; a transport that can refuse larger ones unread does so. */
  readonly maxFrameBytes: number;
  /** From so many bytes of `Link.bufferedAmount` on the hub holds back, and waits for `LinkEvents.drain`. */
  readonly highWaterBytes: number;
  /**
   * Asks whether to open a link at all, before any upgrade: the Origin, the state of the hub, its limits.
   *
   * @param link What is known.
   * @returns `undefined` to go on, or the HTTP answer that refuses.
   */
  admit(link: LinkRequest): WebResponse | undefined;
  /**
   * Asks whether a link that was admitted has to wait before it is opened: when many come at once, few are opened in one turn of
   * the event loop, so that the clients that are there already are heard in between. Absent where all may open at once.
   *
   * @returns Resolves when it may open; `undefined` when it may open now.
   */
  waitToOpen?(): Promise<void> | undefined;
  /**
   * A link that was admitted will not open, because the upgrade failed after all. Where a transport cannot tell, the
   * hub gives the place to another after a while.
   *
   * @param link What was given to `admit`.
   */
  withdraw(link: LinkRequest): void;
  /**
   * Reports what the application has to set right: that it serves the transport in a way in which it cannot work, or not
   * as the hub's options say. Does not throw.
   *
   * @param error What is wrong, and what to write.
   */
  report(error: Error): void;
  /**
   * Reports a request that cannot become a link, for a reason that only the transport sees: whoever runs the hub hears
   * of it. Does not throw.
   *
   * @param why What is wrong with it, and what to do.
   */
  refused?(why: string): void;
  /**
   * Hands over a link that is open. Does not throw.
   *
   * @param link The server's end. With a `subprotocol` that the hub does not speak the hub closes it, saying so.
   * @param request What was given to `admit`.
   * @returns Where the transport reports what happens on the link.
   */
  accept(link: Link, request: LinkRequest): ServerLinkEvents;
}

/** The server's side of a transport. One hub may have several. */
export interface Transport {
  /** What it is, for errors and statistics: `"websocket"`. */
  readonly name: string;
  /**
   * Learns the hub; called once, before anything else.
   *
   * @param acceptor The hub.
   */
  attach(acceptor: LinkAcceptor): void;
  /**
   * Answers an HTTP request, if it is for this transport.
   *
   * @param request The request.
   * @param platform What the runtime's server passed along: Deno's connection information, Bun's server.
   * @param headers What the application has set already for its answer. An upgrade must carry them.
   * @returns The answer (an upgrade's too), or `undefined` when the request is not for this transport.
   */
  fetch?(
    request: WebRequest,
    platform: unknown,
    headers?: WebHeaders,
  ): WebResponse | Promise<WebResponse> | undefined;
  /** What a server must be given as `websocket` beside `fetch`, where its runtime hands sockets over that way. */
  readonly websocket?: object;
}

/** The client's side of a transport. */
export interface ClientTransport {
  /**
   * Opens a link.
   *
   * @param url Where to.
   * @param subprotocols What the client speaks, the preferred one first.
   * @param events Where to report; `open` comes first, or `close` when it failed.
   * @returns A function that closes the link in any state, before it is open too; `close` follows unless it was
   * reported already.
   */
  connect(
    url: string,
    subprotocols: readonly string[],
    events: LinkEvents & { open(link: Link): void },
  ): (code: number, reason: string) => void;
}
