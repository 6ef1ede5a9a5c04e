/**
 * A test's own libp2p relay.
 *
 * @module
 */

import { createRelayNode } from "../../adapters/libp2p/mod.ts";

/** A relay in this process. */
export interface Libp2pRelay extends AsyncDisposable {
  /** Its address, for adapters. */
  readonly url: string;
  /** Ends it. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts a relay.
 *
 * @returns The relay, when it listens.
 */
export async function startLibp2pRelay(): Promise<Libp2pRelay> {
  const relay = await createRelayNode({ allow: "anybody", listen: ["/ip4/127.0.0.1/tcp/0"] });
  const stop = () => relay.close();
  return { url: relay.addresses[0]!, stop, [Symbol.asyncDispose]: stop };
}
