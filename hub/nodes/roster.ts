/**
 * The state of each other node: up, suspect, down, or gone with a goodbye. This module does not use the backplane. See
 * docs/decisions/0016-node-states.md.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import { forgetOldest } from "../connection/forget_oldest.ts";
import type { NodeInfo, NodeLeft, NodeState } from "../api/cluster.ts";
import type { Ranked } from "./seniority.ts";
import type { NodeCard } from "../backplane/bus_wire.ts";

/** How a node's card was taken: from a `"new"` or a `"known"` node; or ignored, as `"late"` or `"dead"`. */
export type Heard = "new" | "known" | "late" | "dead";

/** How long a node is remembered after it is down or has left, in node timeouts. */
const REMEMBERED_TIMEOUTS = 10;
/** How many nodes that are down are remembered. */
const MAX_DOWN = 64;
/** How many nodes that said goodbye are remembered. */
const MAX_GONE = 1_024;

/** The options of {@linkcode Roster}. */
export interface RosterOptions {
  /** The clock. */
  readonly clock: Clock;
  /** How long a node may be silent, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** A timer that is late by more than this shows that this process was blocked, in milliseconds. */
  readonly maxLateMs: number;
  /** Called when a node joins, for the first time or again. */
  onJoin(node: NodeInfo): void;
  /** Called when a node has left or is down. */
  onLeave(node: NodeLeft): void;
  /** Called when the state of a node changes. */
  onState(node: NodeInfo): void;
}

interface Peer {
  card: NodeCard;
  heardAt: number;
  /** How many of its messages have arrived. */
  messages: number;
  state: "up" | "suspect";
}

/** The other nodes. */
export class Roster {
  readonly #options: RosterOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #down = new Map<string, { readonly card: NodeCard; readonly until: number }>();
  /** Nodes that said goodbye, each with a time. Until then, late messages do not make the node join again. */
  readonly #gone = new Map<string, number>();
  #stop: (() => void) | undefined;

  /** @param options Its options. */
  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** The ids of the nodes that are up or suspect. */
  get reachable(): readonly string[] {
    return [...this.#peers.keys()];
  }

  /** How many nodes are up or suspect. */
  get size(): number {
    return this.#peers.size;
  }

  /** The state of a node; `undefined` when the node is not known. */
  state(id: string): NodeState | undefined {
    return this.#peers.get(id)?.state ?? (this.#down.has(id) ? "down" : undefined);
  }

  /** A node that is up or suspect; `undefined` for other ids. */
  get(id: string): NodeInfo | undefined {
    const peer = this.#peers.get(id);
    return peer && info(id, peer.card, peer.state);
  }

  /** The rank of a node that is up or suspect; `undefined` for other ids. */
  rankOf(id: string): number | undefined {
    return this.#peers.get(id)?.card.rank;
  }

  /** The nodes that are up or suspect, and their ranks. */
  *ranks(): Iterable<Ranked> {
    for (const [id, { card: { rank } }] of this.#peers) yield { id, rank };
  }

  /** How many messages of a node have arrived since it joined. */
  messagesOf(id: string): number {
    return this.#peers.get(id)?.messages ?? 0;
  }

  /** All other nodes; nodes that are down come last. */
  list(): NodeInfo[] {
    this.#prune();
    return [
      ...[...this.#peers].map(([id, { card, state }]) => info(id, card, state)),
      ...[...this.#down].map(([id, { card }]) => info(id, card, "down")),
    ];
  }

  /**
   * Takes the card of a node.
   *
   * @returns `"late"` when the node has sent a newer card or a goodbye; `"dead"` when the node was declared dead and
   * does not know it yet.
   */
  hear(id: string, card: NodeCard): Heard {
    if (this.#gone.has(id)) return "late";
    const peer = this.#peers.get(id);
    if (peer) {
      if (card.incarnation < peer.card.incarnation) return "late";
      // Cards come over several channels, so an older one may arrive later. A rank only grows.
      peer.card = card.rank < peer.card.rank ? { ...card, rank: peer.card.rank } : card;
      this.touch(id);
      return "known";
    }
    const down = this.#down.get(id);
    if (down && card.incarnation <= down.card.incarnation) return "dead";
    this.#down.delete(id);
    this.#peers.set(id, { card, heardAt: this.#options.clock.now(), messages: 0, state: "up" });
    this.#watch();
    this.#options.onJoin(info(id, card, "up"));
    return "new";
  }

  /** The incarnation in which a node is down. */
  diedAs(id: string): number | undefined {
    return this.#down.get(id)?.card.incarnation;
  }

  /** A message of a node has arrived, so the node is alive. */
  touch(id: string): void {
    const peer = this.#peers.get(id);
    if (!peer) return;
    peer.heardAt = this.#options.clock.now();
    peer.messages++;
    if (peer.state === "up") return;
    peer.state = "up";
    this.#options.onState(info(id, peer.card, "up"));
  }

  /** A node has said goodbye. */
  goodbye(id: string): void {
    this.#prune();
    this.#gone.set(id, this.#rememberedUntil());
    forgetOldest(this.#gone, MAX_GONE);
    this.#down.delete(id);
    const peer = this.#peers.get(id);
    if (!this.#peers.delete(id)) return;
    this.#options.onLeave({ ...info(id, peer!.card, peer!.state), reason: "goodbye" });
  }

  /** The process of a node has ended, without a goodbye. */
  ended(id: string): void {
    const peer = this.#peers.get(id);
    if (peer) this.#bury([[id, peer]], "ended");
  }

  /** Forgets all nodes, without callbacks. */
  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#peers.clear();
    this.#down.clear();
    this.#gone.clear();
  }

  /** Sets the timer for the next node that becomes suspect or down if it stays silent. */
  #watch(): void {
    if (this.#stop || this.#peers.size === 0) return;
    const { clock, nodeTimeoutMs } = this.#options;
    let due = Infinity;
    for (const { heardAt, state } of this.#peers.values()) {
      due = Math.min(due, heardAt + (state === "up" ? nodeTimeoutMs / 2 : nodeTimeoutMs));
    }
    this.#stop = clock.after(Math.max(1, due - clock.now()), () => {
      this.#stop = undefined;
      this.#judge(due);
      this.#watch();
    }, { background: true });
  }

  #judge(due: number): void {
    const { clock, nodeTimeoutMs, maxLateMs } = this.#options;
    if (clock.now() - due > maxLateMs) {
      // This process was blocked, and messages of the others may wait to be read. So their silence starts from now.
      for (const peer of this.#peers.values()) peer.heardAt = clock.now();
    }
    const silentFor = (ms: number) => ({ heardAt }: Peer) => clock.now() - heardAt >= ms;
    const isDown = silentFor(nodeTimeoutMs), isSuspect = silentFor(nodeTimeoutMs / 2);
    this.#bury([...this.#peers].filter(([, peer]) => isDown(peer)), "silence");
    for (const [id, peer] of [...this.#peers]) {
      if (peer.state === "suspect" || !isSuspect(peer)) continue;
      peer.state = "suspect";
      this.#options.onState(info(id, peer.card, "suspect"));
    }
  }

  #bury(dead: readonly (readonly [string, Peer])[], reason: NodeLeft["reason"]): void {
    for (const [id, { card }] of dead) { // move all of them before the first callback
      this.#peers.delete(id);
      this.#down.set(id, { card, until: this.#rememberedUntil() });
      forgetOldest(this.#down, MAX_DOWN);
    }
    for (const [id, { card }] of dead) {
      this.#options.onState(info(id, card, "down"));
      this.#options.onLeave({ ...info(id, card, "down"), reason });
    }
  }

  #rememberedUntil(): number {
    const { clock, nodeTimeoutMs } = this.#options;
    return clock.now() + nodeTimeoutMs * REMEMBERED_TIMEOUTS;
  }

  #prune(): void {
    const now = this.#options.clock.now();
    for (const [id, { until }] of this.#down) if (until <= now) this.#down.delete(id);
    for (const [id, until] of this.#gone) if (until <= now) this.#gone.delete(id);
  }
}

function info(id: string, { startedAt, connections }: NodeCard, state: NodeState): NodeInfo {
  return { id, self: false, state, startedAt, connections: state === "down" ? 0 : connections };
}
