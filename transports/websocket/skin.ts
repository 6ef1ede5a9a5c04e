/**
 * The interface between the WebSocket transport and the runtimes: the parts that differ between Bun and Deno.
 *
 * @module
 */

import type { LinkAcceptor, LinkRequest } from "../transport.ts";

/** How a link opens. */
export interface Opening {
  /** One of the client's offers, or `""` for none. */
  readonly subprotocol: string;
  /** The header in which the client offers subprotocols, as it was sent; `""` if it sent none. */
  readonly offer: string;
  /** Headers that the answer must carry in addition to its own. */
  readonly headers: Headers | undefined;
}

/** A request that a runtime can upgrade to a WebSocket. */
export interface Upgradable {
  /** What is known about the client. It can still be read after the upgrade. */
  readonly link: LinkRequest;
  /**
   * Upgrades the request. The acceptor gets the link as soon as the socket is open.
   *
   * @param acceptor The hub.
   * @param opening How to open the link.
   * @returns The answer for the runtime's server, also if the upgrade fails.
   */
  upgrade(acceptor: LinkAcceptor, opening: Opening): Response;
}

/** How one runtime upgrades requests. */
export interface WebSocketSkin {
  /**
   * Checks whether the request came through the server of this runtime.
   *
   * @param request A request for a WebSocket.
   * @param platform The second argument of the runtime's server.
   * @returns `undefined` if the request is not from this runtime.
   */
  recognise(request: Request, platform: unknown): Upgradable | undefined;
}

/** The answer to a request for a WebSocket that lacks a header. */
export function malformedUpgrade(acceptor: LinkAcceptor): Response {
  acceptor.refused?.(MALFORMED);
  return new Response(`${MALFORMED}\n`, { status: 400 });
}

const MALFORMED = "Cannot upgrade to a WebSocket: the request's headers are incomplete";

/** The form of an upgrade's key: 16 bytes in base64. RFC 6455, 4.1. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** Whether a request has the headers that a client must send for an upgrade. */
export function isWellFormed({ headers }: Request): boolean {
  return KEY.test(headers.get("sec-websocket-key") ?? "") &&
    /\bupgrade\b/i.test(headers.get("connection") ?? "");
}

/** A copy of the server's request cannot be upgraded. Answers it, and says what to write instead. */
export function copiedRequest(acceptor: LinkAcceptor): Response {
  acceptor.refused?.(COPIED);
  return new Response(`${COPIED}\n`, { status: 501 });
}

const COPIED =
  "Cannot upgrade a copy of a request: something between the server and the hub has made a new request, as " +
  "request.clone(), new Request(request) and Hono's app.mount do. Pass on the request that the server made: " +
  "app.fetch(request) or hub.routes.fetch(request), on Bun with the server as the second argument. Write " +
  "app.route(path, hub.routes) in place of app.mount(path, hub.routes.fetch)";

/** A server without a `websocket` cannot upgrade. Answers the request, and says what to write. */
export function withoutHandler(acceptor: LinkAcceptor, error: unknown): Response {
  acceptor.refused?.(`${NO_HANDLER} (${String(error)})`);
  return new Response(`${NO_HANDLER}\n`, { status: 501 });
}

const NO_HANDLER =
  "Cannot upgrade to a WebSocket: the server has no `websocket`. Give it the hub's beside `fetch`: " +
  "Bun.serve({ fetch, websocket: hub.websocket }), or export default { fetch, websocket: hub.websocket }";

/** Headers that belong to the upgrade itself, or to an answer with a body. The application cannot set them. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "upgrade",
  "connection",
  "sec-websocket-accept",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
  "content-type",
  "content-length",
]);

const NO_HEADERS: readonly [name: string, value: string][] = [];

/** The application's headers that the answer to an upgrade carries: a list, because most often it is empty. */
export function applicationHeaders(given: Headers | undefined): readonly [name: string, value: string][] {
  let list: [name: string, value: string][] | undefined;
  given?.forEach((value, name) => { // an iterator costs far more
    if (!OWN_HEADERS.has(name)) (list ??= []).push([name, value]);
  });
  return list ?? NO_HEADERS;
}
