/**
 * The nodes that may be part of the cluster. A node never sends to other peers, and accepts nothing from them.
 *
 * @module
 */

import type { ConnectionGater, PeerId } from "@libp2p/interface";

/** The allowed nodes, by their identities. */
export class Members {
  /** `undefined` allows every node. */
  readonly #allowed: ReadonlySet<string> | undefined;
  /** Relays carry encrypted messages between nodes. They are not nodes of the cluster. */
  readonly #relays: ReadonlySet<string>;

  /**
   * @param allow The identities, or `"anybody"`.
   * @param relays The identities of relays.
   */
  constructor(allow: readonly string[] | "anybody", relays: readonly string[] = []) {
    this.#allowed = allow === "anybody" ? undefined : new Set(allow);
    this.#relays = new Set(relays);
  }

  /** Whether this may be a node of the cluster. */
  has(id: string): boolean {
    return this.#allowed ? this.#allowed.has(id) : !this.#relays.has(id);
  }

  /** The rules that libp2p checks before it accepts a connection, or dials. */
  get gater(): ConnectionGater {
    const denies = (peer: PeerId) => !this.has(String(peer)) && !this.#relays.has(String(peer));
    return {
      denyDialPeer: denies,
      denyInboundEncryptedConnection: denies,
      denyOutboundEncryptedConnection: denies,
      denyInboundRelayedConnection: (_relay, peer) => !this.has(String(peer)),
      denyInboundRelayReservation: denies,
      denyOutboundRelayedConnection: (from, to) => denies(from) || denies(to),
    };
  }
}
