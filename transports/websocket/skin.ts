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
   * @returns What the runtime's server must be answered, also when the request cannot be upgraded after all.
   */
  upgrade(acceptor: LinkAcceptor, subprotocol: string): Response;
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
export function malformedUpgrade(): Response {
  return new Response("Cannot upgrade to a WebSocket: the request's headers are incomplete\n", {
    status: 400,
  });
}
