/**
 * The other nodes: which are connected, which see the subscriptions of this node, and which are silent.
 *
 * @module
 */

import type { Connection, Libp2p } from "@libp2p/interface";
import type { Clock } from "../../contract/clock.ts";
import { answerOrSilence, inTime } from "../kit/deadline.ts";
import type { ControlMessage, Positions } from "./control.ts";
import type { PubSub, RunningNode } from "./node.ts";
import { Peer, type PeerHost } from "./peer.ts";
import type { Sender } from "./sender.ts";

/** Before it closes, how often a node asks a peer for an acknowledgement. */
const SETTLE_MS = 20;
/** How many streams one peer may have: one, and the next when the peer restarts. */
const MAX_STREAMS = 4;

/** Options of {@linkcode Mesh}. */
export interface MeshOptions {
  readonly running: RunningNode;
  /** The name of the control protocol of this application. */
  readonly protocol: string;
  readonly nodeId: string;
  readonly session: string;
  readonly clock: Clock;
  /** How long a peer may take to send its `hello`, and to see a subscription. */
  readonly answerTimeoutMs: number;
  readonly probeTimeoutMs: number;
  readonly sender: Pick<Sender, "positions" | "acknowledged" | "recheck">;
  /** Whether the node with this id may be part of the cluster. */
  admits(id: string): boolean;
  /** All topics of the application. */
  readonly allTopics: readonly string[];
  /** The topics that this node subscribes to. */
  topics(): readonly string[];
  /** Whether this node listens to a channel. */
  listens(name: string): boolean;
  onIntroduced(peer: Peer): void;
  /** See `Receiver.expect`. */
  onPositions(source: string, positions: Positions, since: boolean): void;
  /** A node can be reached at these addresses. */
  onAddresses(addresses: readonly string[]): void;
  /** A peer is gone. Without a cause the peer has said goodbye. */
  onGone(peer: Peer, cause: Error | undefined): void;
}

/** The peers of a node. */
export class Mesh implements PeerHost {
  readonly clock: Clock;
  readonly #options: MeshOptions;
  readonly #node: Libp2p;
  readonly #pubsub: PubSub;
  readonly #peers = new Map<string, Peer>();
  /** The highest frame number received from each peer. */
  readonly #heard = new Map<Peer, number>();
  readonly #deadlines = new Map<Peer, () => void>();
  #topology: string | undefined;
  #closed = false;

  /** @param options The options. */
  constructor(options: MeshOptions) {
    this.clock = options.clock;
    this.#options = options;
    this.#node = options.running.node;
    this.#pubsub = options.running.pubsub;
  }

  /** The peers that this node sends to and accepts frames from. */
  get introduced(): readonly Peer[] {
    return [...this.#peers.values()].filter(({ introduced }) => introduced);
  }

  /** A peer in any state. */
  get(id: string): Peer | undefined {
    return this.#peers.get(id);
  }

  /**
   * Introduces this node to a connected node. Resolves when both see the subscriptions of each other, or the peer is
   * gone.
   */
  async met(id: string): Promise<void> {
    const connection = this.#node.getConnections().find(({ remotePeer }) => remotePeer.toString() === id);
    if (connection) await this.#meet(connection).settled;
  }

  /** Starts to introduce this node to its peers. */
  async start(): Promise<void> {
    const { protocol } = this.#options;
    const limits = {
      maxInboundStreams: MAX_STREAMS,
      maxOutboundStreams: MAX_STREAMS,
      runOnLimitedConnection: true,
    };
    try {
      await this.#node.handle(
        protocol,
        (stream, connection) => {
          if (this.#closed || !this.#options.admits(connection.remotePeer.toString())) {
            return stream.abort(new Error("Not a node of this cluster"));
          }
          this.#meet(connection).listen(stream);
        },
        limits,
      );
    } catch (cause) {
      const what =
        "Cannot use this libp2p node for two adapters of the same prefix: give each a node of its own";
      throw cause instanceof Error && cause.name === "DuplicateProtocolHandlerError"
        ? new TypeError(what, { cause })
        : cause;
    }
    this.#pubsub.addEventListener("subscription-change", this.#look);
    this.#topology = await this.#node.register(protocol, {
      onConnect: (_id, connection) => void this.#meet(connection),
      onDisconnect: (id) => this.get(id.toString())?.closed(),
      notifyOnLimitedConnection: true,
    });
    // A node that the user passed may have connections already. Peers without this adapter refuse the stream.
    for (const connection of this.#node.getConnections()) this.#meet(connection);
  }

  /** Resolves when all peers see that this node subscribes to these topics. Gives up a peer that does not see it in time. */
  async ask(topics: readonly string[]): Promise<void> {
    const { answerTimeoutMs } = this.#options;
    await Promise.all([...this.#peers.values()].map(async (peer) => {
      await inTime(this.clock, answerTimeoutMs, peer.ask(topics), "it has not seen a subscription")
        .catch((error: Error) => peer.end(error));
    }));
  }

  /** Pings all peers, and gives up each peer that does not answer. */
  async probe(): Promise<void> {
    const { probeTimeoutMs } = this.#options;
    await Promise.all(this.introduced.map(async (peer) => {
      if (!this.reaches(peer, [])) return peer.end(new Error("its stream of gossipsub is closed"));
      const answer = await answerOrSilence(this.clock, probeTimeoutMs, peer.ping(), () => peer.lastSign);
      if (answer === "silent") peer.end(new Error(`it has not answered for ${probeTimeoutMs} ms`));
    }));
  }

  /** How many peers subscribe to a channel. */
  async countListeners(name: string): Promise<number> {
    const listening = await Promise.all(this.introduced.map((peer) => peer.listens(name)));
    return listening.filter(Boolean).length;
  }

  /** A frame of a peer has arrived. */
  heard(id: string, count: number, ask: boolean): void {
    const peer = this.get(id);
    if (!peer) return;
    peer.lastSign = this.clock.now();
    const highest = Math.max(count, this.#heard.get(peer) ?? 0);
    this.#heard.set(peer, highest);
    if (ask) peer.tell({ type: "ack", count: highest });
  }

  /**
   * A frame has left. Gossipsub gives no error when the stream of a peer breaks: it drops the peer. So this method ends
   * such a peer.
   *
   * @returns The peers to which gossipsub sent the frame.
   */
  sent(topic: string, ids: readonly string[]): Peer[] {
    for (const id of this.#pubsub.getSubscribers(topic)) {
      const peer = this.get(id.toString());
      if (peer?.introduced && !ids.includes(peer.id)) {
        peer.end(new Error("gossipsub cannot send to it any more"));
      }
    }
    return ids.map((id) => this.get(id)).filter((peer) => peer !== undefined);
  }

  /** Resolves when every peer has acknowledged all frames, or is gone. */
  async settle(): Promise<void> {
    for (;;) {
      const owing = this.introduced.filter(({ owedBytes }) => owedBytes > 0);
      if (owing.length === 0) return;
      for (const peer of owing) peer.tell({ type: "owe" });
      await new Promise<void>((resolve) => this.clock.after(SETTLE_MS, resolve));
    }
  }

  /** Says goodbye to all peers, and accepts no new ones. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pubsub.removeEventListener("subscription-change", this.#look);
    if (this.#topology !== undefined) this.#node.unregister(this.#topology);
    const peers = [...this.#peers.values()];
    for (const peer of peers) peer.tell({ type: "bye" });
    await Promise.all(peers.map((peer) => peer.finish()));
    for (const peer of peers) peer.end(undefined);
    await this.#node.unhandle(this.#options.protocol).catch(() => {});
  }

  hello(): ControlMessage {
    const { nodeId: node, session, topics } = this.#options;
    const addresses = this.#node.getMultiaddrs().map(String);
    return { type: "hello", node, session, addresses, topics: topics() };
  }

  reaches(peer: Peer, topics: readonly string[]): boolean {
    const subscribes = (topic: string) =>
      this.#pubsub.getSubscribers(topic).some((id) => id.toString() === peer.id);
    return this.#connections(peer).some(({ streams }) =>
      streams.some(({ protocol, direction, status }) =>
        protocol.startsWith("/meshsub/") && direction === "outbound" && status === "open"
      )
    ) && topics.every(subscribes);
  }

  positions(topics: Iterable<string>): Positions {
    return this.#options.sender.positions(topics);
  }

  topicsOf(peer: Peer): readonly string[] {
    return this.#options.allTopics.filter((topic) =>
      this.#pubsub.getSubscribers(topic).some((id) => id.toString() === peer.id)
    );
  }

  onIntroduced(peer: Peer): void {
    this.#deadlines.get(peer)?.();
    this.#options.onIntroduced(peer);
  }

  onPositions(peer: Peer, positions: Positions, since: boolean): void {
    // Ignores positions of unknown topics, so that they take no memory.
    const ours = this.#options.allTopics.filter((topic) => Object.hasOwn(positions, topic));
    const known = Object.fromEntries(ours.map((topic) => [topic, positions[topic]!]));
    this.#options.onPositions(peer.source, known, since);
  }

  addressesFor(peer: Peer): readonly string[] {
    return this.#others(peer).flatMap(addressesOf);
  }

  onHello(peer: Peer): void {
    const addresses = addressesOf(peer);
    for (const other of this.#others(peer)) other.tell({ type: "peers", addresses });
    this.#options.onAddresses(addresses);
  }

  onMessage(peer: Peer, message: ControlMessage): void {
    switch (message.type) {
      case "ack":
        return this.#options.sender.acknowledged(peer, message.count);
      case "owe":
        return peer.tell({ type: "ack", count: this.#heard.get(peer) ?? 0 });
      case "count":
        return peer.tell({ type: "counted", id: message.id, listens: this.#options.listens(message.name) });
      case "peers":
        return this.#options.onAddresses(message.addresses);
    }
  }

  onGone(peer: Peer, cause: Error | undefined): void {
    this.#peers.delete(peer.id);
    this.#heard.delete(peer);
    this.#deadlines.get(peer)?.();
    this.#deadlines.delete(peer);
    // On a connection that it knows, gossipsub would not open its streams again. So the node closes the connection.
    if (cause) { for (const connection of this.#connections(peer)) connection.abort(cause); }
    this.#options.sender.recheck();
    this.#options.onGone(peer, cause);
  }

  readonly #look = () => {
    for (const peer of this.#peers.values()) peer.look();
  };

  #others(peer: Peer): Peer[] {
    return [...this.#peers.values()].filter((other) => other !== peer && other.hello);
  }

  #connections({ id }: Peer): Connection[] {
    return this.#node.getConnections().filter(({ remotePeer }) => remotePeer.toString() === id);
  }

  #meet(connection: Connection): Peer {
    const known = this.get(connection.remotePeer.toString());
    if (known) return known;
    const { protocol, answerTimeoutMs } = this.#options;
    const peer = new Peer(connection, this);
    if (this.#closed || !this.#options.admits(peer.id)) {
      peer.end(undefined);
      return peer;
    }
    this.#peers.set(peer.id, peer);
    const given = new AbortController();
    const cancel = this.clock.after(
      answerTimeoutMs,
      () => peer.end(new Error("it has not introduced itself in time")),
    );
    this.#deadlines.set(peer, () => {
      cancel();
      given.abort();
    });
    const { signal } = given;
    connection.newStream(protocol, { signal, runOnLimitedConnection: true }).then(
      (stream) => peer.speak(stream),
      (error: Error) => peer.end(error),
    );
    return peer;
  }
}

/** The addresses that a peer gives for itself. Addresses with another node's id are ignored. */
function addressesOf({ id, hello }: Peer): readonly string[] {
  return hello?.addresses.filter((address) => address.endsWith(`/p2p/${id}`)) ?? [];
}
