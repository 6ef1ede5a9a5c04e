/**
 * Which nodes there are. A node announces itself when it starts, is answered by those that are there, says now and
 * then that it lives, and says goodbye; one that was not heard of for too long is down.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import type { Backplane } from "../backplane/backplane.ts";
import type { NodeCard } from "../backplane/bus_wire.ts";
import { CLUSTER_CHANNEL, nodeChannel } from "../backplane/channels.ts";
import type { ClusterEvents } from "../api/cluster.ts";
import { Greeting } from "./join_barrier.ts";
import { Lag } from "./lag.ts";
import { Roster } from "./roster.ts";
import { isSenior, type Ranked, Seniority } from "./seniority.ts";
import type { NodeInfo, NodeLeft } from "../api/cluster.ts";

/** How many nodes an answer to a greeting names. */
const MAX_NAMED = 256;

/** What {@linkcode Nodes} needs. */
export interface NodesOptions {
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
  /** How long the others may take to answer when this node starts, in milliseconds. */
  readonly joinTimeoutMs: number;
  /** How many connections this node has. */
  connections(): number;
  /** Called for every event of the cluster. */
  emit<E extends "join" | "leave" | "state" | "leader">(event: E, value: ClusterEvents[E]): void;
}

/** The nodes of the cluster, as this one knows them. */
export class Nodes {
  /** How fast the backplane is. */
  readonly lag: Lag;
  readonly #options: NodesOptions;
  readonly #roster: Roster;
  readonly #startedAt = Date.now();
  readonly #seniority: Seniority;
  #incarnation = 0;
  #leader: string;
  #greeting: Greeting | undefined;
  #stop: (() => void) | undefined;
  #leftBehind: readonly string[] | undefined;

  /**
   * @param options What it needs.
   */
  constructor(options: NodesOptions) {
    const { backplane, nodeId, clock, heartbeatMs, nodeTimeoutMs, emit } = options;
    this.#options = options;
    this.#leader = nodeId;
    this.#seniority = new Seniority(nodeId);
    this.lag = new Lag({ backplane, clock });
    this.#roster = new Roster({
      clock,
      nodeTimeoutMs,
      maxLateMs: heartbeatMs,
      onJoin: (node) => this.#joined(node),
      onLeave: (node) => this.#left(node),
      onState: (node) => emit("state", node),
    });
    backplane.on("hello", ([, card], from) => {
      if (this.#hears(from, card)) this.#welcome(from);
    });
    backplane.on("here", ([, card, knows], from) => {
      if (!this.#hears(from, card)) return;
      this.#greeting?.answered(from, knows && knows.filter((id) => id !== nodeId));
    });
    backplane.on("beat", ([, card], from) => {
      const known = this.#roster.state(from) !== undefined;
      if (this.#hears(from, card) && !known) this.#tell(from);
    });
    backplane.on("dead", ([, incarnation]) => {
      if (incarnation !== this.#incarnation || !this.#stop) return; // that was known already
      this.#incarnation++;
      this.announce();
    });
    backplane.on("bye", (_message, from) => {
      this.#roster.goodbye(from);
      this.#greeting?.left(from);
    });
  }

  /** The ids of the other nodes, but for those that are down; once this node has left, those that it left behind. */
  get others(): readonly string[] {
    return this.#leftBehind ?? this.#roster.reachable;
  }

  /** How many other nodes there are, but for those that are down. */
  get size(): number {
    return this.#roster.size;
  }

  /** Whether another node is there. */
  has(id: string): boolean {
    if (this.#leftBehind) return this.#leftBehind.includes(id);
    const state = this.#roster.state(id);
    return state === "up" || state === "suspect";
  }

  /** Whether a node has not been heard of for a while. */
  isSuspect(id: string): boolean {
    return this.#roster.state(id) === "suspect";
  }

  /** How many messages of a node have come since it is there. */
  messagesOf(id: string): number {
    return this.#roster.messagesOf(id);
  }

  /** Every node, this one first, those that are down last. */
  list(): readonly NodeInfo[] {
    return [this.#self(), ...this.#roster.list()];
  }

  /** The most senior node that is not down. */
  leader(): NodeInfo {
    const { nodeId: id } = this.#options;
    let first: Ranked = { id, rank: this.#seniority.rank };
    for (const node of this.#roster.ranks()) if (isSenior(node, first)) first = node;
    return first.id === id ? this.#self() : this.#roster.get(first.id)!;
  }

  /**
   * Announces this node, and goes on to say that it lives.
   *
   * @returns Resolves when all that are there have heard of it, or the time is up.
   */
  async start(): Promise<void> {
    const { backplane, clock, joinTimeoutMs } = this.#options;
    this.#beatLater();
    const greeting = new Greeting();
    this.#greeting = greeting;
    this.announce();
    if (joinTimeoutMs === 0 || backplane.solitary) greeting.end();
    const stop = clock.after(joinTimeoutMs, () => greeting.end());
    void backplane.countListeners(CLUSTER_CHANNEL).then((count) => count && greeting.count(count));
    await greeting.done;
    stop();
    this.#greeting = undefined;
    if (this.#stop && this.#seniority.settle()) this.#stand();
  }

  /** Tells the others that this node is here, and asks who they are. */
  announce(): void {
    if (!this.#stop) return; // not begun, or closed
    this.#options.backplane.publish(CLUSTER_CHANNEL, ["hello", this.#card()]);
  }

  /** Something of a node has arrived. */
  heard(id: string): void {
    this.#roster.touch(id);
  }

  /** The process of a node has ended, as the backplane knows. */
  ended(id: string): void {
    this.#roster.ended(id);
    this.#greeting?.left(id);
  }

  /** Says goodbye. */
  stop(): void {
    if (!this.#stop) return;
    this.#stop();
    this.#stop = undefined;
    this.#greeting?.end();
    this.#leftBehind = this.#roster.reachable;
    this.#options.backplane.publish(CLUSTER_CHANNEL, ["bye"]);
    this.#roster.close();
  }

  #beatLater(): void {
    const { backplane, clock, heartbeatMs } = this.#options;
    this.#stop = clock.after(heartbeatMs, () => {
      this.#seniority.beat(this.#roster.ranks());
      backplane.publish(CLUSTER_CHANNEL, ["beat", this.#card()]);
      this.#measure();
      this.#beatLater();
    }, { background: true });
  }

  #card(): NodeCard {
    return {
      incarnation: this.#incarnation,
      startedAt: this.#startedAt,
      connections: this.#options.connections(),
      rank: this.#seniority.rank,
      highest: this.#seniority.highest,
      leader: this.#leader,
    };
  }

  #self(): NodeInfo {
    const { nodeId: id, connections } = this.#options;
    return { id, self: true, state: "up", startedAt: this.#startedAt, connections: connections() };
  }

  /** Takes a node's word on itself; one that was taken for dead is told so, and speaks again as another incarnation. */
  #hears(from: string, card: NodeCard): boolean {
    if (!this.#stop) return false; // not begun, or closed
    const before = this.#roster.rankOf(from);
    const heard = this.#roster.hear(from, card);
    if (heard === "dead") {
      this.#options.backplane.publish(nodeChannel(from), ["dead", this.#roster.diedAs(from)!]);
    }
    if (heard === "late" || heard === "dead") return false;
    const moved = this.#seniority.hear(card, before);
    if (moved) this.#stand();
    else if (card.rank !== before) this.#checkLeader();
    return true;
  }

  /** The rank of this node is another: the others are told before they hear anything else of it. */
  #stand(): void {
    this.#checkLeader();
    this.#options.backplane.publish(CLUSTER_CHANNEL, ["beat", this.#card()]);
  }

  /** Answers a node that announces itself; if this one is starting too, it wants to be known to it. */
  #welcome(id: string): void {
    this.#tell(id);
    if (this.#greeting?.await(id)) this.#options.backplane.publish(nodeChannel(id), ["hello", this.#card()]);
  }

  #tell(id: string): void {
    const others = this.#up().filter((other) => other !== id).slice(0, MAX_NAMED);
    const knows = this.#greeting ? null : others;
    this.#options.backplane.publish(nodeChannel(id), ["here", this.#card(), knows]);
  }

  #up(): string[] {
    return this.others.filter((id) => !this.isSuspect(id));
  }

  #measure(): void {
    if (this.#options.backplane.status === "up") this.lag.measure(this.#up());
  }

  #joined(node: NodeInfo): void {
    if (this.lag.ms === null) this.#measure();
    this.#options.emit("join", node);
  }

  #left(node: NodeLeft): void {
    this.#options.emit("leave", node);
    this.#checkLeader();
  }

  #checkLeader(): void {
    const leader = this.leader();
    if (leader.id === this.#leader) return;
    this.#leader = leader.id;
    this.#options.emit("leader", leader);
  }
}
