/**
 * Who may be part of the cluster: nobody else is spoken to, and nothing of anybody else is taken.
 *
 * @module
 */

import type { ConnectionGater, PeerId } from "@libp2p/interface";

/** The nodes that may be there, by their identities. */
export class Members {
  /** `undefined`: anybody. */
  readonly #allowed: ReadonlySet<string> | undefined;
  /** They carry what others say to each other, encrypted, and are no nodes. */
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

  /** What libp2p asks before it lets anybody in, or dials. */
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
