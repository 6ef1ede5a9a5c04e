/**
 * The libp2p node: our own, or the one that the user has.
 *
 * @module
 */

import type { Libp2p, PeerId, Transport } from "@libp2p/interface";
import { loadLibrary } from "../kit/library.ts";
import { keyOf } from "./identity.ts";
import { holdLocks } from "./locks.ts";
import type { Members } from "./members.ts";

/** The part of gossipsub that the adapter uses. */
export interface PubSub {
  /** Subscribes to a topic. */
  subscribe(topic: string): void;
  /** Ends a subscription. */
  unsubscribe(topic: string): void;
  /** Who subscribes to a topic. */
  getSubscribers(topic: string): PeerId[];
  /** Sends a message, and tells to whom. */
  publish(topic: string, data: Uint8Array, options?: object): Promise<{ recipients: PeerId[] }>;
  /** Calls back when a message comes, or a peer subscribes. */
  addEventListener(type: string, listener: (event: CustomEvent) => void): void;
  /** Does not any more. */
  removeEventListener(type: string, listener: (event: CustomEvent) => void): void;
}

/** A node that runs. */
export interface RunningNode {
  readonly node: Libp2p;
  readonly pubsub: PubSub;
  /** Lets others reach it through a relay that it is connected to, by the relay's address. */
  reserve?(relay: string): Promise<void>;
  /** Ends it, if it is ours. */
  stop(): Promise<void>;
}

/** How to make a node of our own. */
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

/** The largest message of gossipsub that is taken. */
const MAX_DATA_BYTES = 4 * 1024 * 1024;
/** Below every threshold of gossipsub: nothing is taken from such a peer, and nothing is sent to it. */
const EXCLUDED = -1_000_000;

/**
 * Gossipsub, for nodes that are all connected to each other: a node sends to all who subscribe, and nobody passes on what has
 * arrived already, as there is no mesh (`D`). What one has missed it asks others for, once a second. Nobody is judged by how many share an
 * address, as nodes behind one proxy do.
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

/** Libp2p takes few connections a second from one address, and nodes behind one proxy have the same. Sockets are limited instead. */
const FROM_ANYWHERE = ["/ip4/0.0.0.0/ipcidr/0", "/ip6/::/ipcidr/0"];

/**
 * Starts a node.
 *
 * @param options How.
 * @throws {LibraryError} If a library is not installed.
 */
export function startNode(options: NodeOptions): Promise<RunningNode> {
  return withLocks(() => createNode(options));
}

async function createNode(options: NodeOptions): Promise<RunningNode> {
  const otherwise = "pass `node`";
  const [{ createLibp2p }, { tcp }, { noise, pureJsCrypto }, { yamux }, { identify }, { gossipsub }] =
    await Promise.all([
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
    // Its own choice is the runtime's cipher for all but short texts: Bun has none of that name, and the connection ends.
    connectionEncrypters: [noise({ crypto: pureJsCrypto })],
    streamMuxers: [yamux()],
    ...discovery && mdns
      ? { peerDiscovery: [discovery.mdns({ interval: mdns.intervalMs, port: mdns.port })] }
      : {},
    connectionGater: members.gater,
    connectionManager: { allow: FROM_ANYWHERE, maxConnections, reconnectRetries: 0 },
    // The adapter looks after its peers itself.
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
      // Where a relay is away at the start `listen` of its options would fail for good.
      const { transportManager } = (node as unknown as Internals).components ?? {};
      await transportManager?.listen?.([multiaddr(`${relay}/p2p-circuit`)]);
    },
    stop: () => stopNode(node, pubsub),
  };
}

/** Makes a node that holds the locks of the library until it is stopped. */
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

/** What libp2p keeps to itself, as far as it cannot be done without. */
interface Internals {
  readonly status?: { readonly heartbeatTimeout?: number };
  readonly components?: {
    readonly connectionManager?: { readonly dialQueue?: { readonly queue?: { readonly running?: number } } };
    readonly addressManager?: { readonly _updatePeerStoreAddresses?: { stop?(): void } };
    readonly transportManager?: { listen?(addresses: readonly object[]): Promise<void> };
  };
}

/** How long to wait for dials to end that are given up. */
const DIALS_END_MS = 500;

/**
 * Stops a node. libp2p 3 leaves two timers of a second running, which would hold the process, and dials that it has given up, which
 * end a moment later.
 *
 * @param node The node.
 * @param pubsub Its gossipsub, if it has one.
 */
export async function stopNode(node: Libp2p, pubsub?: PubSub): Promise<void> {
  const { heartbeatTimeout } = (pubsub as Internals | undefined)?.status ?? {};
  await node.stop();
  clearTimeout(heartbeatTimeout);
  const { addressManager, connectionManager } = (node as unknown as Internals).components ?? {};
  addressManager?._updatePeerStoreAddresses?.stop?.();
  const dials = connectionManager?.dialQueue?.queue;
  const end = performance.now() + DIALS_END_MS;
  do {
    // A queue tells a millisecond later that it is empty, by a timer.
    const wasRunning = dials?.running;
    await new Promise((resolve) => setTimeout(resolve, 2));
    if (!wasRunning) return;
  } while (performance.now() < end);
}

/** How to make a relay. */
export interface RelayOptions
  extends Pick<NodeOptions, "privateKey" | "identityFile" | "listen" | "announce" | "members"> {
  /** How many nodes it carries messages for. */
  readonly maxNodes: number;
}

/**
 * Starts a relay: a node without gossipsub.
 *
 * @param options How.
 * @throws {LibraryError} If a library is not installed.
 */
export function startRelay(options: RelayOptions): Promise<Omit<RunningNode, "pubsub">> {
  return withLocks(() => createRelay(options));
}

async function createRelay(options: RelayOptions): Promise<Omit<RunningNode, "pubsub">> {
  const [{ createLibp2p }, { tcp }, { noise, pureJsCrypto }, { yamux }, { identify }, relays] = await Promise
    .all([
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
        // By default a connection ends after two minutes or 128 KiB.
        reservations: { maxReservations: maxNodes, applyDefaultLimit: false },
      }),
    },
  });
  return { node, stop: () => stopNode(node) };
}

/**
 * Keeps the signal of a dial from the socket, which Bun has throw an error that nobody hears when it is aborted. The transport
 * itself ends a socket whose signal is aborted.
 */
function quiet<C>(create: (components: C) => Transport): (components: C) => Transport {
  return (components) => {
    const transport = create(components);
    const dial = transport.dial.bind(transport);
    transport.dial = (address, options) =>
      // What is not enumerable is not copied to the options of the socket.
      dial(address, Object.defineProperty({ ...options }, "signal", { enumerable: false }));
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
 * The user's node, as it is. It is never stopped.
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
