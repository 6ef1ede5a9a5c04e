/**
 * The nodes of the cluster. A node announces itself when it starts, and the other nodes answer. Then it sends
 * heartbeats, and a goodbye when it stops. A node that is silent for too long is down.
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
import type { MissingNode, NodeInfo, NodeLeft } from "../api/cluster.ts";

/** How many nodes an answer to a `hello` names at most. */
const MAX_NAMED = 256;

/** Stands for all nodes that a starting node does not know yet. */
const UNKNOWN: readonly MissingNode[] = [{
  node: "unknown",
  reason: "unknown",
  message: "This hub does not know the other nodes yet: await hub.ready",
}];

/** The options of {@linkcode Nodes}. */
export interface NodesOptions {
  /** The backplane. */
  readonly backplane: Backplane;
  /** This node. */
  readonly nodeId: string;
  /** The clock. */
  readonly clock: Clock;
  /** The time between heartbeats of this node, in milliseconds. */
  readonly heartbeatMs: number;
  /** How long another node may be silent before it is down, in milliseconds. */
  readonly nodeTimeoutMs: number;
  /** How long to wait for the answers of other nodes at start, in milliseconds. */
  readonly joinTimeoutMs: number;
  /** How many connections this node has. */
  connections(): number;
  /** Called for every event of the cluster. */
  emit<E extends "join" | "leave" | "state" | "leader">(event: E, value: ClusterEvents[E]): void;
}

/** The nodes of the cluster, as this node knows them. */
export class Nodes {
  /** The lag of the backplane. */
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
  /** Whether the other nodes have had the time to answer this one. */
  #isKnown = false;

  /**
   * @param options Its options.
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
      if (incarnation !== this.#incarnation || !this.#stop) return; // about an earlier incarnation, or not running
      this.#incarnation++;
      this.announce();
    });
    backplane.on("bye", (_message, from) => {
      this.#roster.goodbye(from);
      this.#greeting?.left(from);
    });
  }

  /** The ids of the other nodes that are not down. After this node has left: the ids at that time. */
  get others(): readonly string[] {
    return this.#leftBehind ?? this.#roster.reachable;
  }

  /** For results: stands for the other nodes as long as this node does not know them. */
  get unknown(): readonly MissingNode[] {
    return this.#isKnown || this.#leftBehind || this.#options.backplane.solitary ? [] : UNKNOWN;
  }

  /** How many other nodes are not down. */
  get size(): number {
    return this.#roster.size;
  }

  /** Whether another node is up or suspect. */
  has(id: string): boolean {
    if (this.#leftBehind) return this.#leftBehind.includes(id);
    const state = this.#roster.state(id);
    return state === "up" || state === "suspect";
  }

  /** Whether a node is suspect: it has been silent for a while. */
  isSuspect(id: string): boolean {
    return this.#roster.state(id) === "suspect";
  }

  /** How many messages of a node have arrived since it joined. */
  messagesOf(id: string): number {
    return this.#roster.messagesOf(id);
  }

  /** All nodes: this one first, nodes that are down last. */
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
   * Announces this node, and starts its heartbeats.
   *
   * @returns Resolves when all other nodes know this one, or the time is up.
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
    this.#isKnown = true;
    if (this.#stop && this.#seniority.settle()) this.#stand();
  }

  /** Announces this node to the others, and asks for their answers. */
  announce(): void {
    if (!this.#stop) return; // not started, or stopped
    this.#options.backplane.publish(CLUSTER_CHANNEL, ["hello", this.#card()]);
  }

  /** A message of a node has arrived. */
  heard(id: string): void {
    this.#roster.touch(id);
  }

  /** The backplane reports that the process of a node has ended. */
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

  /** Takes a node's card. If the node was declared dead, tells it so; it then comes back with a new incarnation. */
  #hears(from: string, card: NodeCard): boolean {
    if (!this.#stop) return false; // not started, or stopped
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

  /** The rank of this node has changed: sends it to the others before any other message. */
  #stand(): void {
    this.#checkLeader();
    this.#options.backplane.publish(CLUSTER_CHANNEL, ["beat", this.#card()]);
  }

  /** Answers a node that announces itself. If this node is starting too, it also asks for an answer. */
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
