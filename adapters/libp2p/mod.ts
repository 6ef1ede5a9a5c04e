/**
 * The libp2p adapter: nodes find each other and connect directly, with encryption. There is no server to install.
 *
 * @module
 */

import type { Adapter } from "../adapter.ts";
import { createShell } from "../kit/shell.ts";
import { MeshCarrier } from "./carrier.ts";
import { type Libp2pAdapterOptions, readLibp2pOptions } from "./options.ts";

export { createLibp2pIdentity, type Libp2pIdentity } from "./identity.ts";
export { createRelayNode, type RelayNode, type RelayNodeOptions } from "./relay.ts";
export type { DnsResolver } from "./dns.ts";
export type {
  Libp2pAdapterOptions,
  Libp2pDiscoveryOptions,
  Libp2pDnsOptions,
  Libp2pMdnsOptions,
  Libp2pNodeLike,
} from "./options.ts";

/**
 * Creates the adapter for libp2p.
 *
 * @example Nodes in one network, with nothing to set up
 * ```ts ignore needs libp2p
 * import { createHub } from "@trunkline/hub";
 * import { createLibp2pAdapter } from "@trunkline/hub/adapters/libp2p";
 *
 * const adapter = createLibp2pAdapter({ prefix: "chat", allow: "anybody", discovery: { mdns: true } });
 * const hub = createHub(chat, { authenticate, adapter });
 * ```
 *
 * @example The pods of a headless service of Kubernetes
 * ```ts ignore needs libp2p
 * const adapter = createLibp2pAdapter({
 *   prefix: "chat",
 * a NetworkPolicy keeps others away from the port
 *   listen: ["/ip4/0.0.0.0/tcp/4001"],
 *   discovery: { dns: { hostname: "chat-nodes.default.svc.cluster.local", port: 4001 } },
 * });
 * ```
 *
 * @param options The prefix, the allowed nodes, and how nodes find each other.
 * @returns An adapter for one hub.
 * @throws {TypeError} If the prefix or `allow` is missing, or an option has the wrong type or contradicts another.
 * @throws {RangeError} If a number is out of range.
 */
export function createLibp2pAdapter(options: Libp2pAdapterOptions): Adapter {
  const settings = readLibp2pOptions(options);
  const { address, secrets, maxMessageBytes, clock } = settings;
  const identity = { name: "libp2p", title: "libp2p", address, secrets, maxMessageBytes };
  return createShell(identity, clock, (reporter) => new MeshCarrier(settings, reporter));
}
