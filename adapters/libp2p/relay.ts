/**
 * A relay: a node of libp2p that is no node of a cluster. It tells nodes about each other, and carries what they say to those
 * who cannot be reached, encrypted between them.
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

/** How many addresses of a node are passed on. */
const MAX_ADDRESSES = 16;

/** Options of {@linkcode createRelayNode}. */
export interface RelayNodeOptions {
  /** Who may use it: the identities of nodes, or `"anybody"`. */
  readonly allow: readonly string[] | "anybody";
  /**
   * Where to listen: nodes have to reach it there, also those behind NAT.
   *
   * @default {["/ip4/0.0.0.0/tcp/4001"]}
   */
  readonly listen?: readonly string[];
  /** Addresses under which nodes reach it, where they differ from those on which it listens. */
  readonly announce?: readonly string[];
  /** The file that keeps its identity, which nodes name in its address; written where there is none. */
  readonly identityFile?: string;
  /** Its identity, as `createLibp2pIdentity` makes, in place of a file. */
  readonly privateKey?: string;
  /**
   * How many nodes it carries messages for at once.
   *
   * @default {1_000}
   */
  readonly maxNodes?: number;
}

/** A relay that runs. */
export interface RelayNode extends AsyncDisposable {
  /** Its identity. */
  readonly peerId: string;
  /** Its addresses with its identity, for `discovery.relays` of the nodes. */
  readonly addresses: readonly string[];
  /** How many nodes it knows. */
  readonly nodes: number;
  /** Ends it. Nodes that reach each other directly go on. Idempotent. */
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

/** A node that is there. */
interface Guest {
  readonly stream: Stream;
  application: string;
  addresses: readonly string[];
}

/**
 * Starts a relay, for nodes that cannot reach each other because of NAT, or do not know where the others are. Run it where all
 * can reach it; two of them, listed in all nodes, when one may not be enough.
 *
 * @example
 * ```ts ignore needs libp2p
 * import { createRelayNode } from "@trunkline/hub/adapters/libp2p";
 *
 * const relay = await createRelayNode({ allow: [alice.peerId, bob.peerId], identityFile: "relay.key" });
 * console.log(relay.addresses); // for discovery: { relays: [...] } of the nodes
 * ```
 *
 * @param options Who may use it, and where it listens.
 * @returns The relay, once it listens.
 * @throws {TypeError} If an option is missing or of the wrong kind.
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
      // Also when there is nobody: it waits for the answer.
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
