/**
 * The libp2p node: one that the adapter starts, or one that the user passes.
 *
 * @module
 */

import type { Libp2p, PeerId, Transport, Upgrader, UpgraderOptions } from "@libp2p/interface";
import { loadLibraries, loadLibrary } from "../kit/library.ts";
import { keyOf } from "./identity.ts";
import { holdLocks } from "./locks.ts";
import type { Members } from "./members.ts";

/** The part of gossipsub that the adapter uses. */
export interface PubSub {
  /** Subscribes to a topic. */
  subscribe(topic: string): void;
  /** Ends a subscription. */
  unsubscribe(topic: string): void;
  /** The peers that subscribe to a topic. */
  getSubscribers(topic: string): PeerId[];
  /** Sends a message. Returns the peers that it was sent to. */
  publish(topic: string, data: Uint8Array, options?: object): Promise<{ recipients: PeerId[] }>;
  /** Calls the listener when a message arrives, or a peer subscribes. */
  addEventListener(type: string, listener: (event: CustomEvent) => void): void;
  /** Removes a listener. */
  removeEventListener(type: string, listener: (event: CustomEvent) => void): void;
}

/** A node that runs. */
export interface RunningNode {
  readonly node: Libp2p;
  readonly pubsub: PubSub;
  /** Lets other nodes reach this node through a relay that this node is connected to. Takes the relay's address. */
  reserve?(relay: string): Promise<void>;
  /** Stops the node, if the adapter started it. */
  stop(): Promise<void>;
}

/**
 * Ends a subscription. A node that was stopped has none, and throws.
 *
 * @param pubsub The node's gossipsub.
 * @param topic The topic.
 */
export function leaveTopic(pubsub: PubSub, topic: string): void {
  try {
    pubsub.unsubscribe(topic);
  } catch {
    // There is no such subscription any more.
  }
}

/** Options of a node that the adapter starts. */
export interface NodeOptions {
  readonly privateKey: string | undefined;
  readonly identityFile: string | undefined;
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly members: Members;
  readonly maxConnections: number;
  readonly mdns: false | { readonly intervalMs: number; readonly port: number };
  /** The addresses of relays. */
  readonly relays: readonly string[];
}

/** The largest gossipsub message that a node accepts. */
const MAX_DATA_BYTES = 4 * 1024 * 1024;
/** Lower than every threshold of gossipsub: a node accepts nothing from such a peer, and sends nothing to it. */
const EXCLUDED = -1_000_000;

/**
 * Settings of gossipsub for nodes that are all connected to each other. A node sends to all subscribers. There is no
 * mesh (`D`), so no node passes on messages that have arrived already. A node asks others once a second for messages
 * that it has missed. Nodes that share an address are not punished for it, because nodes behind one proxy share one.
 */
const GOSSIPSUB = {
  D: 0,
  Dlo: 0,
  Dhi: 0,
  Dscore: 0,
  Dout: 0,
  floodPublish: true,
  batchPublish: true,
  fallbackToFloodsub: false,
  allowPublishToZeroTopicPeers: true,
  emitSelf: false,
  doPX: false,
  tagMeshPeers: false,
  globalSignaturePolicy: "StrictSign",
  runOnLimitedConnection: true,
  maxInboundDataLength: MAX_DATA_BYTES,
} as const;

/**
 * By default, libp2p accepts few connections a second from one address. Nodes behind one proxy share an address, so the
 * limit is on sockets instead.
 */
const FROM_ANYWHERE = ["/ip4/0.0.0.0/ipcidr/0", "/ip6/::/ipcidr/0"];

/**
 * Starts a node.
 *
 * @param options The options.
 * @throws {LibraryError} If a library is not installed.
 */
export function startNode(options: NodeOptions): Promise<RunningNode> {
  return withLocks(() => createNode(options));
}

async function createNode(options: NodeOptions): Promise<RunningNode> {
  const otherwise = "pass `node`";
  const [{ createLibp2p }, { tcp }, { noise, pureJsCrypto }, { yamux }, { identify }, { gossipsub }] =
    await loadLibraries([
      loadLibrary("libp2p", otherwise, () => import("libp2p")),
      loadLibrary("@libp2p/tcp", otherwise, () => import("@libp2p/tcp")),
      loadLibrary("@chainsafe/libp2p-noise", otherwise, () => import("@chainsafe/libp2p-noise")),
      loadLibrary("@chainsafe/libp2p-yamux", otherwise, () => import("@chainsafe/libp2p-yamux")),
      loadLibrary("@libp2p/identify", otherwise, () => import("@libp2p/identify")),
      loadLibrary("@libp2p/gossipsub", otherwise, () => import("@libp2p/gossipsub")),
    ]);
  const { members, mdns, relays, maxConnections } = options;
  const relayed = relays.length > 0 ? await loadRelayed() : undefined;
  const discovery = mdns && await loadLibrary("@libp2p/mdns", "", () => import("@libp2p/mdns"));
  const node = await createLibp2p({
    privateKey: await keyOf(options.privateKey, options.identityFile),
    addresses: {
      listen: [...options.listen],
      announce: [...options.announce],
    },
    transports: [quiet(tcp({ maxConnections })), ...relayed ? [relayed.transport] : []],
    // By default, noise uses the runtime's cipher for all but short texts. Bun has no cipher of that name, and the
    // connection would end.
    connectionEncrypters: [noise({ crypto: pureJsCrypto })],
    streamMuxers: [yamux()],
    ...discovery && mdns
      ? { peerDiscovery: [discovery.mdns({ interval: mdns.intervalMs, port: mdns.port })] }
      : {},
    connectionGater: members.gater,
    connectionManager: { allow: FROM_ANYWHERE, maxConnections, reconnectRetries: 0 },
    // The adapter pings its peers itself.
    connectionMonitor: { enabled: false },
    services: {
      identify: identify({ runOnLimitedConnection: true }),
      pubsub: gossipsub({
        ...GOSSIPSUB,
        scoreParams: {
          IPColocationFactorWeight: 0,
          behaviourPenaltyWeight: 0,
          appSpecificScore: (id) => members.has(id) ? 0 : EXCLUDED,
          appSpecificWeight: 1,
        },
      }),
      ...relayed ? { dcutr: relayed.dcutr } : {},
    },
  });
  const pubsub = node.services.pubsub as unknown as PubSub;
  return {
    node,
    pubsub,
    async reserve(relay) {
      const { multiaddr } = await import("@multiformats/multiaddr");
      // With `listen` in its options, a node would never reach a relay that is away at the start.
      const { transportManager } = (node as unknown as Internals).components ?? {};
      await transportManager?.listen?.([multiaddr(`${relay}/p2p-circuit`)]);
    },
    stop: () => stopNode(node, pubsub),
  };
}

/** Creates a node that holds the locks of the library until the node stops. */
async function withLocks<Node extends { stop(): Promise<void> }>(create: () => Promise<Node>): Promise<Node> {
  const letGo = await holdLocks();
  try {
    const node = await create();
    return { ...node, stop: () => node.stop().finally(letGo) };
  } catch (error) {
    letGo();
    throw error;
  }
}

/** Private parts of libp2p that the adapter needs. */
interface Internals {
  readonly status?: { readonly heartbeatTimeout?: number };
  readonly components?: {
    readonly connectionManager?: { readonly dialQueue?: { readonly queue?: { readonly running?: number } } };
    readonly addressManager?: { readonly _updatePeerStoreAddresses?: { stop?(): void } };
    readonly transportManager?: { listen?(addresses: readonly object[]): Promise<void> };
  };
}

/** How long to wait until aborted dials end. */
const DIALS_END_MS = 500;

/**
 * Stops a node. After a stop, libp2p 3 leaves two timers of one second running, which would keep the process alive.
 * Dials that it has aborted end a moment later.
 *
 * @param node The node.
 * @param pubsub Its gossipsub, if it has one.
 */
export async function stopNode(node: Libp2p, pubsub?: PubSub): Promise<void> {
  // Until gossipsub stops, a heartbeat may still replace the timer in here.
  const { status } = (pubsub ?? {}) as Internals;
  await node.stop();
  clearTimeout(status?.heartbeatTimeout);
  const { addressManager, connectionManager } = (node as unknown as Internals).components ?? {};
  addressManager?._updatePeerStoreAddresses?.stop?.();
  const dials = connectionManager?.dialQueue?.queue;
  const end = performance.now() + DIALS_END_MS;
  do {
    // The queue uses a timer: it shows that it is empty a millisecond later.
    const wasRunning = dials?.running;
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (!wasRunning) return;
  } while (performance.now() < end);
}

/** Options of a relay. */
export interface RelayOptions
  extends Pick<NodeOptions, "privateKey" | "identityFile" | "listen" | "announce" | "members"> {
  /** For how many nodes it relays messages. */
  readonly maxNodes: number;
}

/**
 * Starts a relay: a node without gossipsub.
 *
 * @param options The options.
 * @throws {LibraryError} If a library is not installed.
 */
export function startRelay(options: RelayOptions): Promise<Omit<RunningNode, "pubsub">> {
  return withLocks(() => createRelay(options));
}

async function createRelay(options: RelayOptions): Promise<Omit<RunningNode, "pubsub">> {
  const [{ createLibp2p }, { tcp }, { noise, pureJsCrypto }, { yamux }, { identify }, relays] =
    await loadLibraries([
      loadLibrary("libp2p", "", () => import("libp2p")),
      loadLibrary("@libp2p/tcp", "", () => import("@libp2p/tcp")),
      loadLibrary("@chainsafe/libp2p-noise", "", () => import("@chainsafe/libp2p-noise")),
      loadLibrary("@chainsafe/libp2p-yamux", "", () => import("@chainsafe/libp2p-yamux")),
      loadLibrary("@libp2p/identify", "", () => import("@libp2p/identify")),
      loadLibrary("@libp2p/circuit-relay-v2", "", () => import("@libp2p/circuit-relay-v2")),
    ]);
  const { members, maxNodes } = options;
  const node = await createLibp2p({
    privateKey: await keyOf(options.privateKey, options.identityFile),
    addresses: { listen: [...options.listen], announce: [...options.announce] },
    transports: [tcp({ maxConnections: 2 * maxNodes })],
    connectionEncrypters: [noise({ crypto: pureJsCrypto })],
    streamMuxers: [yamux()],
    connectionGater: members.gater,
    connectionManager: { allow: FROM_ANYWHERE, maxConnections: 2 * maxNodes },
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      relay: relays.circuitRelayServer({
        maxInboundHopStreams: maxNodes,
        maxOutboundStopStreams: maxNodes,
        // With the default limits, a connection would end after two minutes or 128 KiB.
        reservations: { maxReservations: maxNodes, applyDefaultLimit: false },
      }),
    },
  });
  return { node, stop: () => stopNode(node) };
}

/**
 * Hides the abort signal of a dial from the socket. When the signal aborts, Bun's socket would throw an error that no
 * code can catch. The transport itself closes a socket whose signal is aborted before it is connected. After that, the
 * upgrader does it, so the upgrader gets the signal.
 */
function quiet<C>(create: (components: C) => Transport): (components: C) => Transport {
  return (components) => {
    const transport = create(components);
    const dial = transport.dial.bind(transport);
    transport.dial = (address, options) => {
      const { signal, upgrader } = options;
      const upgradeOutbound: Upgrader["upgradeOutbound"] = (connection, given: UpgraderOptions) =>
        upgrader.upgradeOutbound(connection, { ...given, signal });
      return dial(
        address,
        // A property that is not enumerable is not copied to the options of the socket, nor to those of the upgrader.
        Object.defineProperty(
          { ...options, upgrader: Object.create(upgrader, { upgradeOutbound: { value: upgradeOutbound } }) },
          "signal",
          { enumerable: false },
        ),
      );
    };
    return transport;
  };
}

async function loadRelayed() {
  const [{ circuitRelayTransport }, { dcutr }] = await Promise.all([
    loadLibrary("@libp2p/circuit-relay-v2", "", () => import("@libp2p/circuit-relay-v2")),
    loadLibrary("@libp2p/dcutr", "", () => import("@libp2p/dcutr")),
  ]);
  return { transport: circuitRelayTransport(), dcutr: dcutr() };
}

/**
 * Uses the user's node as it is, and never stops it.
 *
 * @param node The node.
 * @throws {TypeError} If it has no gossipsub.
 */
export function useNode(node: Libp2p): RunningNode {
  const services = Object.values(node.services as Record<string, unknown>);
  const pubsub = services.find((service) =>
    typeof (service as Partial<PubSub>)?.getSubscribers === "function"
  );
  if (!pubsub) {
    throw new TypeError("Cannot use the libp2p node that was given: none of its services is gossipsub()");
  }
  return { node, pubsub: pubsub as PubSub, stop: () => Promise.resolve() };
}
