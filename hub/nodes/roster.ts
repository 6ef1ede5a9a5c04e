/**
 * What a node knows of the others: which of them are up, suspect or down, and which have said goodbye. Nothing here
 * speaks to the backplane. See docs/decisions/0016-node-states.md.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import { forgetOldest } from "../connection/forget_oldest.ts";
import type { NodeInfo, NodeLeft, NodeState } from "../api/cluster.ts";
import type { Ranked } from "./seniority.ts";
import type { NodeCard } from "../backplane/bus_wire.ts";

/** What becomes of the word of a node: it is `"new"` or known, or it is not heard. */
export type Heard = "new" | "known" | "late" | "dead";

/** How many node timeouts a node that is gone is remembered. */
const REMEMBERED_TIMEOUTS = 10;
/** How many nodes that are down are remembered. */
const MAX_DOWN = 64;
/** How many nodes that said goodbye are remembered. */
const MAX_GONE = 1_024;

/** What {@linkcode Roster} needs. */
export interface RosterOptions {
  /** Where time comes from. */
  readonly clock: Clock;
  /** How long a node may be silent, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** By how much a timer of this node may be late before the node itself must have stood still, in milliseconds. */
  readonly maxLateMs: number;
  /** A node is there: for the first time, or again. */
  onJoin(node: NodeInfo): void;
  /** A node is gone. */
  onLeave(node: NodeLeft): void;
  /** The state of a node is another. */
  onState(node: NodeInfo): void;
}

interface Peer {
  card: NodeCard;
  heardAt: number;
  /** How many messages of it have come. */
  messages: number;
  state: "up" | "suspect";
}

/** The other nodes. */
export class Roster {
  readonly #options: RosterOptions;
  readonly #peers = new Map<string, Peer>();
  readonly #down = new Map<string, { readonly card: NodeCard; readonly until: number }>();
  /** Until when nobody believes that these are there: they said goodbye, and a word of theirs may still be under way. */
  readonly #gone = new Map<string, number>();
  #stop: (() => void) | undefined;

  /** @param options What it needs. */
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

  /** The state of a node; `undefined` when there is none of that id. */
  state(id: string): NodeState | undefined {
    return this.#peers.get(id)?.state ?? (this.#down.has(id) ? "down" : undefined);
  }

  /** A node that is up or suspect; `undefined` when there is none of that id. */
  get(id: string): NodeInfo | undefined {
    const peer = this.#peers.get(id);
    return peer && info(id, peer.card, peer.state);
  }

  /** The rank of a node that is up or suspect; `undefined` when there is none of that id. */
  rankOf(id: string): number | undefined {
    return this.#peers.get(id)?.card.rank;
  }

  /** The nodes that are up or suspect, and their ranks. */
  *ranks(): Iterable<Ranked> {
    for (const [id, { card: { rank } }] of this.#peers) yield { id, rank };
  }

  /** How many messages of a node have come since it is there. */
  messagesOf(id: string): number {
    return this.#peers.get(id)?.messages ?? 0;
  }

  /** Every node but this one; those that are down last. */
  list(): NodeInfo[] {
    this.#prune();
    return [
      ...[...this.#peers].map(([id, { card, state }]) => info(id, card, state)),
      ...[...this.#down].map(([id, { card }]) => info(id, card, "down")),
    ];
  }

  /**
   * A node has said who it is.
   *
   * @returns `"late"` when this is not its latest word, `"dead"` when it does not know yet that it was taken for dead.
   */
  hear(id: string, card: NodeCard): Heard {
    if (this.#gone.has(id)) return "late";
    const peer = this.#peers.get(id);
    if (peer) {
      if (card.incarnation < peer.card.incarnation) return "late";
      // Over different channels an older card may come after a newer one; a rank only grows.
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

  /** Something of a node has arrived: it lives. */
  touch(id: string): void {
    const peer = this.#peers.get(id);
    if (!peer) return;
    peer.heardAt = this.#options.clock.now();
    peer.messages++;
    if (peer.state === "up") return;
    peer.state = "up";
    this.#options.onState(info(id, peer.card, "up"));
  }

  /** A node has said goodbye, for good. */
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

  /** Forgets everybody, and tells nobody. */
  close(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#peers.clear();
    this.#down.clear();
    this.#gone.clear();
  }

  /** Sees to it that the next change of state that silence brings is noticed when it is due. */
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
      // This node stood still, and what the others said meanwhile is still to be read: they begin anew.
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
    for (const [id, { card }] of dead) { // all of them, before anybody is told of one
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
