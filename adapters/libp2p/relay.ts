/**
 * A relay: a libp2p node outside of every cluster. It tells nodes about each other. It also relays messages to nodes
 * that others cannot reach directly. Those messages are encrypted between the nodes.
 *
 * @module
 */

import type { Stream } from "@libp2p/interface";
import { count, list, secret, text } from "../../contract/options/option_kinds.ts";
import { optional, or, readOptions, type Rows } from "../../contract/options/read_options.ts";
import { type ControlMessage, hear, tell } from "./control.ts";
import { Members } from "./members.ts";
import { startRelay } from "./node.ts";
import { allowed, listenAddress } from "./options.ts";
import { RELAY_PROTOCOL } from "./relays.ts";

/** How many addresses of a node the relay passes on. */
const MAX_ADDRESSES = 16;

/** Options of {@linkcode createRelayNode}. */
export interface RelayNodeOptions {
  /** The identities of the nodes that may use the relay, or `"anybody"`. */
  readonly allow: readonly string[] | "anybody";
  /**
   * The addresses on which to listen. All nodes must be able to reach them, also nodes behind NAT.
   *
   * @default {["/ip4/0.0.0.0/tcp/4001"]}
   */
  readonly listen?: readonly string[];
  /** The addresses by which nodes reach the relay, if they differ from the addresses on which it listens. */
  readonly announce?: readonly string[];
  /**
   * The file that holds the relay's identity, which is part of its address. The relay writes the file if it does not
   * exist.
   */
  readonly identityFile?: string;
  /** The relay's identity, from `createLibp2pIdentity`, instead of a file. */
  readonly privateKey?: string;
  /**
   * For how many nodes at once it relays messages.
   *
   * @default {1_000}
   */
  readonly maxNodes?: number;
}

/** A running relay. */
export interface RelayNode extends AsyncDisposable {
  /** Its identity. */
  readonly peerId: string;
  /** The relay's addresses with its identity, for `discovery.relays` of the nodes. */
  readonly addresses: readonly string[];
  /** How many nodes are registered. */
  readonly nodes: number;
  /** Stops the relay. Nodes that reach each other directly stay connected. Idempotent. */
  close(): Promise<void>;
}

const ROWS = {
  allow: allowed,
  listen: or(list(listenAddress, { min: 1 }), ["/ip4/0.0.0.0/tcp/4001"]),
  announce: or(list(listenAddress), []),
  identityFile: optional(text),
  privateKey: optional(secret),
  maxNodes: or(count(), 1_000),
} satisfies Rows<RelayNodeOptions>;

/** A registered node. */
interface Guest {
  readonly stream: Stream;
  application: string;
  addresses: readonly string[];
}

/**
 * Starts a relay, for nodes behind NAT that cannot reach each other, or nodes that do not know each other's addresses.
 * Run the relay where all nodes can reach it. For redundancy run two relays, and list both in all nodes.
 *
 * @example
 * ```ts ignore needs libp2p
 * import { createRelayNode } from "@trunkline/hub/adapters/libp2p";
 *
 * const relay = await createRelayNode({ allow: [alice.peerId, bob.peerId], identityFile: "relay.key" });
 * for discovery: { relays: [...] } of the nodes
 * ```
 *
 * @param options The nodes that may use the relay, and its addresses.
 * @returns The relay, once it listens.
 * @throws {TypeError} If an option is missing or has the wrong type.
 * @throws {RangeError} If a number is out of range.
 * @throws {LibraryError} If a library is not installed.
 * @throws {Error} If it cannot listen.
 */
export async function createRelayNode(options: RelayNodeOptions): Promise<RelayNode> {
  const read = readOptions("createRelayNode", options, ROWS);
  const members = new Members(read.allow);
  const { node, stop } = await startRelay({ ...read, members });
  const guests = new Map<string, Guest>();
  const othersOf = (guest: Guest) =>
    [...guests.values()].filter((other) => other !== guest && other.application === guest.application);
  await node.handle(RELAY_PROTOCOL, (stream, { remotePeer }) => {
    const id = remotePeer.toString();
    if (!members.has(id)) return stream.abort(new Error("Not allowed here"));
    const guest: Guest = { stream, application: "", addresses: [] };
    const leave = () => {
      if (guests.get(id) === guest) guests.delete(id);
    };
    const take = (message: ControlMessage): boolean => {
      if (message.type === "ping") tell(stream, { type: "pong", id: message.id });
      if (message.type !== "join") return true;
      guest.application = message.application;
      guest.addresses = message.addresses.filter((address) => address.endsWith(`/p2p/${id}`))
        .slice(0, MAX_ADDRESSES);
      guests.set(id, guest);
      const others = othersOf(guest);
      // Sent even if the list is empty: the node waits for the answer.
      tell(stream, { type: "peers", addresses: others.flatMap(({ addresses }) => addresses) });
      for (const other of others) tell(other.stream, { type: "peers", addresses: guest.addresses });
      return true;
    };
    hear(stream, take).catch((error: Error) => stream.abort(error)).finally(leave);
  }, { maxInboundStreams: 2, runOnLimitedConnection: false });
  let closed: Promise<void> | undefined;
  const relay: RelayNode = {
    peerId: node.peerId.toString(),
    get addresses() {
      return node.getMultiaddrs().map(String);
    },
    get nodes() {
      return guests.size;
    },
    close() {
      closed ??= stop();
      return closed;
    },
    [Symbol.asyncDispose]: () => relay.close(),
  };
  return relay;
}
