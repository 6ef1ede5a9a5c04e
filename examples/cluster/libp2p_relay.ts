/**
 * With libp2p, a relay takes the place of the broker: nodes find each other with it. After that they do not need it.
 *
 * @module
 */

import { createLibp2pIdentity, createRelayNode, type RelayNode } from "@trunkline/hub/adapters/libp2p";
import type { Broker } from "./broker.ts";

/** A relay in this process. */
export class Libp2pRelayBroker implements Broker {
  readonly about: string;
  readonly env: Readonly<Record<string, string>>;
  readonly own = true;
  readonly #privateKey: string;
  readonly #listen: readonly string[];
  #relay: RelayNode | undefined;

  private constructor(privateKey: string, relay: RelayNode) {
    const [address] = relay.addresses;
    this.about = `libp2p: the relay in this process, ${address}`;
    this.env = { LIBP2P_RELAY: address! };
    this.#privateKey = privateKey;
    this.#listen = [address!.split("/p2p/")[0]!];
    this.#relay = relay;
  }

  /** Starts the relay. */
  static async create(): Promise<Libp2pRelayBroker> {
    const { privateKey } = await createLibp2pIdentity();
    const listen = ["/ip4/127.0.0.1/tcp/0"];
    return new Libp2pRelayBroker(privateKey, await createRelayNode({ allow: "anybody", listen, privateKey }));
  }

  get running(): boolean {
    return this.#relay !== undefined;
  }

  async kill(): Promise<void> {
    await this.#relay?.close();
    this.#relay = undefined;
  }

  async start(): Promise<void> {
    this.#relay ??= await createRelayNode({
      allow: "anybody",
      listen: this.#listen,
      privateKey: this.#privateKey,
    });
  }
}
