/**
 * The seam between the WebSocket transport and the runtimes: what each of them does its own way.
 *
 * @module
 */

import type { LinkAcceptor, LinkRequest } from "../transport.ts";

/** A request that a runtime is able to make a WebSocket of. */
export interface Upgradable {
  /** What is known of the client. Stays readable after the upgrade. */
  readonly link: LinkRequest;
  /**
   * Upgrades. As soon as the socket is open it is handed to the acceptor.
   *
   * @param acceptor The hub.
   * @param subprotocol One of those that the client offered, or `""` for none.
   * @param headers What the answer must carry beside its own.
   * @returns What the runtime's server must be answered, also when the request cannot be upgraded after all.
   */
  upgrade(acceptor: LinkAcceptor, subprotocol: string, headers: Headers | undefined): Response;
}

/** How one runtime upgrades requests. */
export interface WebSocketSkin {
  /**
   * Looks whether the runtime is the one that runs.
   *
   * @param request A request for a WebSocket.
   * @param platform What the runtime's server passed along.
   * @returns `undefined` when the request is not of this runtime.
   */
  recognise(request: Request, platform: unknown): Upgradable | undefined;
}

/** The answer to a request for a WebSocket that lacks one of its headers. */
export function malformedUpgrade(acceptor: LinkAcceptor): Response {
  acceptor.refused?.(MALFORMED);
  return new Response(`${MALFORMED}\n`, { status: 400 });
}

const MALFORMED = "Cannot upgrade to a WebSocket: the request's headers are incomplete";

/** What the key of an upgrade looks like: 16 bytes in base64. RFC 6455, 4.1. */
const KEY = /^[+/0-9A-Za-z]{22}==$/;

/** Whether a request has what a client must send for an upgrade. */
export function isWellFormed({ headers }: Request): boolean {
  return KEY.test(headers.get("sec-websocket-key") ?? "") &&
    /\bupgrade\b/i.test(headers.get("connection") ?? "");
}

/** A request that is not the one that the runtime's server made cannot be upgraded; answers it, and says what to write. */
export function copiedRequest(acceptor: LinkAcceptor): Response {
  acceptor.refused?.(COPIED);
  return new Response(`${COPIED}\n`, { status: 501 });
}

const COPIED =
  "Cannot upgrade a copy of a request: something between the server and the hub has made a new request, as " +
  "Hono's app.mount does. Write app.route(path, hub.routes) in place of app.mount(path, hub.routes.fetch), and give " +
  "hub.routes.fetch the request that the server made";

/** A server that was not told what to do with WebSockets cannot upgrade; answers the request, and says what to write. */
export function withoutHandler(acceptor: LinkAcceptor, error: unknown): Response {
  acceptor.refused?.(`${NO_HANDLER} (${String(error)})`);
  return new Response(`${NO_HANDLER}\n`, { status: 501 });
}

const NO_HANDLER =
  "Cannot upgrade to a WebSocket: the server has no `websocket`. Give it the hub's beside `fetch`: " +
  "Bun.serve({ fetch, websocket: hub.websocket }), or export default { fetch, websocket: hub.websocket }";

/** What belongs to an upgrade itself, or to an answer with a body: the application cannot set it. */
const OWN_HEADERS = [
  "upgrade",
  "connection",
  "sec-websocket-accept",
  "sec-websocket-protocol",
  "sec-websocket-extensions",
  "content-type",
  "content-length",
];

/** What the answer to an upgrade carries of the headers that the application has set. */
export function applicationHeaders(given: Headers | undefined): Headers {
  const headers = new Headers(given);
  for (const name of OWN_HEADERS) headers.delete(name);
  return headers;
}
