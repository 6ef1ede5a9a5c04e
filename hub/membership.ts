/**
 * Which nodes there are. A node announces itself when it starts, is answered by those that are there, says now and
 * then that it lives, and says goodbye; one that was not heard of for too long is gone.
 *
 * @module
 */

import type { Clock } from "../contract/mod.ts";
import type { Backplane } from "./backplane.ts";
import type { NodeCard } from "./bus_wire.ts";
import { CLUSTER_CHANNEL, nodeChannel } from "./channels.ts";

/** Whether a node is heard of: `suspect` after half of the node timeout. */
export type NodeState = "up" | "suspect";

/** A node of the cluster. */
export interface NodeInfo {
  /** Its identity. */
  readonly id: string;
  /** Whether it is the one that was asked. */
  readonly self: boolean;
  /** Whether it is heard of. */
  readonly state: NodeState;
  /** When it started, in milliseconds since 1970. */
  readonly startedAt: number;
  /** How many connections it had when it was last heard of. */
  readonly connections: number;
}

/** What {@linkcode Members} needs. */
export interface MembersOptions {
  /** The other nodes. */
  readonly backplane: Backplane;
  /** This node. */
  readonly nodeId: string;
  /** Where time comes from. */
  readonly clock: Clock;
  /** How often this node says that it lives, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long another one may be silent, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** How many connections this node has. */
  connections(): number;
  /** A node is gone. */
  onLeave(nodeId: string): void;
}

interface Peer {
  card: NodeCard;
  heardAt: number;
}

/** The nodes of the cluster, as this one knows them. */
export class Members {
  readonly #options: MembersOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #startedAt = Date.now();
  #stop: (() => void) | undefined;

  /**
   * @param options What it needs.
   * @throws {RangeError} When a node says that it lives less than three times within the node timeout.
   */
  constructor(options: MembersOptions) {
    const { backplane, heartbeatMs, nodeTimeoutMs } = options;
    if (!(heartbeatMs > 0 && heartbeatMs * 3 <= nodeTimeoutMs)) {
      throw new RangeError(
        `Cannot use cluster.heartbeatMs ${heartbeatMs}: give at most a third of nodeTimeoutMs (${nodeTimeoutMs})`,
      );
    }
    this.#options = options;
    backplane.on("hello", ([, card], from) => {
      this.#hear(from, card);
      backplane.publish(nodeChannel(from), ["here", this.#card()]);
    });
    backplane.on("here", ([, card], from) => this.#hear(from, card));
    backplane.on("beat", ([, card], from) => {
      const known = this.#peers.has(from);
      this.#hear(from, card);
      if (!known) backplane.publish(nodeChannel(from), ["here", this.#card()]);
    });
    backplane.on("bye", (_message, from) => this.#forget(from));
  }

  /** The ids of the other nodes. */
  get others(): readonly string[] {
    return [...this.#peers.keys()];
  }

  /** Every node, this one first. */
  list(): readonly NodeInfo[] {
    const { nodeId, clock, nodeTimeoutMs } = this.#options;
    const { incarnation: startedAt, connections } = this.#card();
    const self: NodeInfo = { id: nodeId, self: true, state: "up", startedAt, connections };
    const others = [...this.#peers].map(([id, { card, heardAt }]): NodeInfo => ({
      id,
      self: false,
      state: clock.now() - heardAt > nodeTimeoutMs / 2 ? "suspect" : "up",
      startedAt: card.incarnation,
      connections: card.connections,
    }));
    return [self, ...others];
  }

  /** Announces this node, and goes on to say that it lives. */
  start(): void {
    this.announce();
    const beat = () => {
      this.#options.backplane.publish(CLUSTER_CHANNEL, ["beat", this.#card()]);
      this.#expire();
      this.#stop = this.#options.clock.after(this.#options.heartbeatMs, beat);
    };
    this.#stop ??= this.#options.clock.after(this.#options.heartbeatMs, beat);
  }

  /** Tells the others that this node is here, and asks who they are. */
  announce(): void {
    this.#options.backplane.publish(CLUSTER_CHANNEL, ["hello", this.#card()]);
  }

  /** Says goodbye. */
  stop(): void {
    if (!this.#stop) return;
    this.#stop();
    this.#stop = undefined;
    this.#options.backplane.publish(CLUSTER_CHANNEL, ["bye"]);
    this.#peers.clear();
  }

  #card(): NodeCard {
    return { incarnation: this.#startedAt, connections: this.#options.connections() };
  }

  #hear(id: string, card: NodeCard): void {
    const peer = this.#peers.get(id);
    if (peer && card.incarnation < peer.card.incarnation) return; // a late word of one that has started again since
    if (peer && card.incarnation > peer.card.incarnation) this.#forget(id);
    this.#peers.set(id, { card, heardAt: this.#options.clock.now() });
  }

  #expire(): void {
    const now = this.#options.clock.now();
    for (const [id, { heardAt }] of this.#peers) {
      if (now - heardAt > this.#options.nodeTimeoutMs) this.#forget(id);
    }
  }

  #forget(id: string): void {
    if (this.#peers.delete(id)) this.#options.onLeave(id);
  }
}
