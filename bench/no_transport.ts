/**
 * A transport without sockets: its connections are like all others of the hub, but there is no network. Benchmarks use it for
 * more connections than a machine has sockets, and where they do not measure sockets.
 *
 * @module
 */

import { type Codec, jsonCodec } from "@trunkline/hub/contract";
import type { Link, LinkAcceptor, LinkEvents, Transport } from "@trunkline/hub/transports/transport";

/** A transport with links that accept every write at once. */
export class NoTransport implements Transport {
  readonly name = "none";
  #acceptor: LinkAcceptor | undefined;

  attach(acceptor: LinkAcceptor): void {
    this.#acceptor = acceptor;
  }

  /**
   * Connects a client, and waits until the hub has accepted it.
   *
   * @param token The client's token.
   * @param codec The client's codec.
   */
  async connect(token?: string, codec: Codec = jsonCodec): Promise<LinkEvents> {
    const { promise: welcome, resolve } = Promise.withResolvers<void>();
    const link: Link = {
      subprotocol: codec.subprotocol,
      bufferedAmount: 0,
      send: () => resolve(),
      close() {},
    };
    const request = { request: new Request("http://localhost"), address: undefined };
    const client = this.#acceptor!.accept(link, request);
    client.message(
      codec.join([codec.encode(["hello", { role: "member", ...(token !== undefined && { token }) }])]),
    );
    await welcome;
    return client;
  }
}
