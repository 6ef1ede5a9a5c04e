/**
 * The interface of transports (client ↔ server). A transport makes links out of any medium that carries bytes. The hub
 * makes connections out of links, and so does the client.
 *
 * @module
 */

import type { Encoded, WebHeaders, WebRequest, WebResponse } from "../contract/mod.ts";

/** One end of a link. It carries whole frames in order, in both directions, until it closes. */
export interface Link {
  /** The subprotocol that both ends agreed on. It names the codec. */
  readonly subprotocol: string;
  /**
   * How many bytes were given to `send` and have not left yet, as far as the transport knows. Below
   * `LinkAcceptor.highWaterBytes` the value may be too high, because an exact value costs as much as sending.
   */
  readonly bufferedAmount: number;
  /**
   * Sends a frame. Returns at once. After the link has closed it does nothing. If it throws, the hub reports the error
   * and closes the link.
   *
   * @param frame The frame to send.
   */
  send(frame: Encoded): void;
  /**
   * Closes the link, after all frames that were sent before. Idempotent. `LinkEvents.close` is called once after
   * this.
   *
   * @param code A WebSocket close code.
   * @param reason The reason, for a person. At most 123 bytes; a longer one is cut.
   */
  close(code: number, reason: string): void;
}

/**
 * The callbacks of the owner of a link. They must not throw. The link never calls them inside one of its own methods.
 */
export interface LinkEvents {
  /** A frame arrived. */
  message(frame: Encoded): void;
  /** `bufferedAmount` fell below `LinkAcceptor.highWaterBytes` again, after it had reached that limit. */
  drain(): void;
  /** The link is closed. No other callback follows. Called exactly once. */
  close(code: number, reason: string): void;
}

/** The callbacks of a server's end of a link. */
export interface ServerLinkEvents extends LinkEvents {
  /**
   * The transport has freed the link: it uses no memory and no socket any more. Called exactly once, after `close`.
   * Usually this is at once. It is much later if the client does not answer a close and the runtime cannot cut it off.
   * Until then the link counts for the limits.
   */
  freed(): void;
}

/** What a server knows about a client before the client sends its first message. */
export interface LinkRequest {
  /** The request that opened the link, with its URL, headers and cookies. */
  readonly request: WebRequest;
  /** The address of the other end, if the platform gives it. Behind a proxy it is the proxy's address. */
  readonly address: string | undefined;
}

/** The hub, as a transport uses it. */
export interface LinkAcceptor {
  /** The subprotocols that the hub supports, the preferred one first. */
  readonly subprotocols: readonly string[];
  /**
   * The largest frame that the hub accepts, in bytes. A transport refuses larger ones before it reads them, if it
   * can.
   */
  readonly maxFrameBytes: number;
  /** When `Link.bufferedAmount` reaches this many bytes, the hub stops sending, and waits for `LinkEvents.drain`. */
  readonly highWaterBytes: number;
  /**
   * Asks whether to open a link, before any upgrade. The hub checks the Origin, its own state and its limits.
   *
   * @param link What the transport knows about the client.
   * @returns `undefined` to accept, or the HTTP answer that refuses.
   */
  admit(link: LinkRequest): WebResponse | undefined;
  /**
   * Asks whether an admitted link has to wait before it opens. When many links come at once, the hub opens a few in
   * each turn of the event loop. So it serves connected clients in between. Without this method all links may open at
   * once.
   *
   * @returns Resolves when the link may open; `undefined` if it may open now.
   */
  waitToOpen?(): Promise<void> | undefined;
  /**
   * An admitted link will not open, because the upgrade failed. If a transport cannot know this, the hub frees the
   * place after a while.
   *
   * @param link The value that was given to `admit`.
   */
  withdraw(link: LinkRequest): void;
  /**
   * Reports a mistake of the application. It serves the transport in a way that cannot work, or that contradicts the
   * hub's options. It does not throw.
   *
   * @param error What is wrong, and what to write instead.
   */
  report(error: Error): void;
  /**
   * Reports a request that cannot become a link, to the operator of the hub. Only the transport sees the reason. It
   * does not throw.
   *
   * @param why What is wrong with the request, and what to do.
   */
  refused?(why: string): void;
  /**
   * Gives the hub an open link. It does not throw.
   *
   * @param link The server's end. If its `subprotocol` is not one of the hub's, the hub closes it and says why.
   * @param request The value that was given to `admit`.
   * @returns The callbacks for this link.
   */
  accept(link: Link, request: LinkRequest): ServerLinkEvents;
}

/** The server side of a transport. A hub may have several transports. */
export interface Transport {
  /** The name, for errors and statistics: `"websocket"`. */
  readonly name: string;
  /**
   * Gives the transport its hub. Called once, before any other method.
   *
   * @param acceptor The hub.
   */
  attach(acceptor: LinkAcceptor): void;
  /**
   * Answers an HTTP request, if it is for this transport.
   *
   * @param request The request.
   * @param platform The second argument of the runtime's server: Deno's connection information, or Bun's server.
   * @param headers Headers that the application has set for its answer. An upgrade must carry them.
   * @returns The answer (also for an upgrade), or `undefined` if the request is not for this transport.
   */
  fetch?(
    request: WebRequest,
    platform: unknown,
    headers?: WebHeaders,
  ): WebResponse | Promise<WebResponse> | undefined;
  /** The value that the runtime's server must get as `websocket` beside `fetch`, if the runtime needs one (Bun). */
  readonly websocket?: object | undefined;
}

/** The client side of a transport. */
export interface ClientTransport {
  /**
   * Opens a link.
   *
   * @param url The URL to connect to.
   * @param subprotocols The subprotocols that the client supports, the preferred one first.
   * @param events The callbacks. `open` comes first, or `close` if the link could not open.
   * @returns A function that closes the link in any state, also before it is open. `close` follows, unless it was
   * already called.
   */
  connect(
    url: string,
    subprotocols: readonly string[],
    events: LinkEvents & { open(link: Link): void },
  ): (code: number, reason: string) => void;
}
