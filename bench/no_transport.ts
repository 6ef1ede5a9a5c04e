/**
 * A transport without sockets: connections that are a hub's in every way, but come from nowhere. It is for what there are to be
 * more of than a machine has sockets for, and where sockets are not what is measured.
 *
 * @module
 */

import type { Link, LinkAcceptor, LinkEvents, Transport } from "@trunkline/hub/transports/transport";

/** A transport whose links take everything at once. */
export class NoTransport implements Transport {
  readonly name = "none";
  #acceptor: LinkAcceptor | undefined;

  attach(acceptor: LinkAcceptor): void {
    this.#acceptor = acceptor;
  }

  /**
   * Connects a client, and waits until it is welcome.
   *
   * @param token What it shows for itself.
   */
  async connect(token?: string): Promise<LinkEvents> {
    const { promise: welcome, resolve } = Promise.withResolvers<void>();
    const link: Link = {
      subprotocol: "trunkline.v1.json",
      bufferedAmount: 0,
      send: () => resolve(),
      close() {},
    };
    const request = { request: new Request("http://localhost"), address: undefined };
    const client = this.#acceptor!.accept(link, request);
    client.message(JSON.stringify([["hello", { role: "member", token }]]));
    await welcome;
    return client;
  }
}
