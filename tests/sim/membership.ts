/**
 * Membership under simulation: which nodes each one takes to be there, and which for the leader.
 *
 * @module
 */

import type { ClusterEvents, NodeLeft } from "../../hub/api/cluster.ts";
import type { BusMessage, NodeCard } from "../../hub/backplane/bus_wire.ts";
import { CLUSTER_CHANNEL, nodeChannel } from "../../hub/backplane/channels.ts";
import { Nodes } from "../../hub/nodes/nodes.ts";
import { PlainLine } from "./line.ts";
import type { Process } from "./process.ts";
import { type Environment, type Subject, type System, TIMES, Violation } from "./system.ts";

/** How many nodes that are down a node remembers: of others it may believe an old word. */
const REMEMBERED = 64;

/** Lists of so many nodes are compared after every event; of longer ones after some, because that takes longest. */
const COMPARED = 16;

/** The nodes as one process sees them, and what it told its listeners. */
export class MembershipSubject implements Subject {
  readonly process: Process;
  /** The code under test. */
  readonly nodes: Nodes;
  protected readonly environment: Environment;
  /** The nodes, by the events. */
  readonly #present = new Set<string>();
  /** Why those have left that are not there. */
  readonly #left = new Map<string, NodeLeft["reason"]>();
  /** The last incarnation in which each was heard. */
  readonly #incarnations = new Map<string, number>();
  #leader: string;
  /** How many events there were since its lists were compared. */
  #changes = 0;
  #wasDown = false;
  #running = false;

  /** @param environment What it gets. */
  constructor(environment: Environment) {
    const { process, times } = environment;
    this.environment = environment;
    this.process = process;
    this.#leader = process.id;
    this.nodes = new Nodes({
      ...times,
      backplane: environment.line.backplane,
      nodeId: process.id,
      clock: process,
      connections: () => 0,
      emit: (event, value) => this.emitted(event, value),
    });
  }

  async start(): Promise<void> {
    const { interest } = this.environment.line.backplane;
    const channels = [CLUSTER_CHANNEL, nodeChannel(this.process.id)].map((channel) =>
      interest.keep(channel, () => this.nodes.announce())
    );
    await Promise.all(channels.map(({ settled }) => settled));
    this.#running = true;
    await this.nodes.start();
  }

  stop(): void | Promise<void> {
    this.#running = false;
    this.nodes.stop();
  }

  heard(from: string): void {
    this.nodes.heard(from);
  }

  status(status: "up" | "down"): void {
    if (status === "down") this.#wasDown = true;
    else if (this.#wasDown) this.nodes.announce();
  }

  gap(): void {}

  gone(nodeId: string): void {
    this.nodes.ended(nodeId);
  }

  check(): void {
    const { nodes } = this;
    if (!this.#running) return;
    if (nodes.size !== this.#present.size) this.fail("has other nodes than its events told of");
    if (this.#changes * COMPARED < nodes.size) return;
    this.#changes = 0;
    const listed = nodes.list();
    const ids = new Set(listed.map(({ id }) => id));
    if (ids.size !== listed.length) this.fail("lists a node twice");
    for (const { id, self, state } of listed) {
      if (self !== (id === this.process.id)) this.fail(`takes ${id} for ${self ? "itself" : "another node"}`);
      if (!this.environment.truth.lifetimes.has(id)) this.fail(`lists ${id}, which there never was`);
      if (!self && (state !== "down") !== this.#present.has(id)) {
        this.fail(`lists ${id} as ${state}, but its events say otherwise`);
      }
    }
    for (const id of this.#present) {
      if (!ids.has(id)) this.fail(`does not list ${id}, of which its events told`);
    }
    if (nodes.leader().id !== this.#leader) {
      this.fail(`follows ${nodes.leader().id}, but its events say ${this.#leader}`);
    }
  }

  knows(nodeId: string): boolean {
    return this.nodes.has(nodeId);
  }

  difference(_isLast: boolean): string | undefined {
    const { live } = this.environment.truth;
    const others = new Set(this.nodes.others);
    const missing = [...live.keys()].filter((id) => id !== this.process.id && !others.has(id));
    if (missing.length > 0) return `does not know ${some(missing)}`;
    const ghosts = [...others].filter((id) => !live.has(id));
    if (ghosts.length > 0) return `still knows ${some(ghosts)}`;
    const suspects = [...others].filter((id) => this.nodes.isSuspect(id));
    return suspects.length > 0 ? `suspects ${some(suspects)}` : undefined;
  }

  /** Hears an event of the cluster. */
  protected emitted<E extends keyof ClusterEvents>(event: E, value: ClusterEvents[E]): void {
    this.#changes++;
    if (event === "join") this.#joined((value as ClusterEvents["join"]).id);
    if (event === "leave") this.#leave(value as NodeLeft);
    if (event === "leader") this.#leader = (value as ClusterEvents["leader"]).id;
  }

  /** Ends the run. */
  protected fail(what: string): never {
    throw new Violation(this.process.id, `${this.process.id} ${what}`);
  }

  #joined(id: string): void {
    if (this.#present.has(id)) this.fail(`told of the join of ${id} twice`);
    this.#present.add(id);
    const reason = this.#left.get(id);
    if (reason === "goodbye") this.fail(`told of the join of ${id}, which had said goodbye`);
    const incarnation = incarnationOf(this.environment.line);
    if (incarnation === undefined) return; // it cannot be seen here
    const before = this.#incarnations.get(id);
    const forgotten = this.#left.size > REMEMBERED;
    if (reason !== undefined && !forgotten && before !== undefined && incarnation <= before) {
      this.fail(`took ${id} back in incarnation ${incarnation}, in which it was down already`);
    }
    this.#incarnations.set(id, incarnation);
  }

  #leave({ id, reason }: NodeLeft): void {
    if (!this.#present.delete(id)) this.fail(`told of the leave of ${id}, which was not there`);
    this.#left.set(id, reason);
  }
}

function incarnationOf(line: unknown): number | undefined {
  if (!(line instanceof PlainLine)) return undefined;
  const [kind, card] = (line.handled ?? []) as readonly [BusMessage[0]?, NodeCard?];
  return kind === "hello" || kind === "here" || kind === "beat" ? card!.incarnation : undefined;
}

function some(ids: readonly string[]): string {
  return ids.length <= 6 ? ids.join(", ") : `${ids.slice(0, 6).join(", ")} … (${ids.length})`;
}

/**
 * Who is down is found out within the node timeout; three heartbeats more are for the words that bring back whom a split
 * has divided.
 */
export const membership: System = {
  name: "membership",
  quietBeats: TIMES.nodeTimeoutMs / TIMES.heartbeatMs + 3,
  awaits: false,
  operations: 0,
  create: (environment) => new MembershipSubject(environment),
  disagreement(subjects) {
    const leaders = new Set<string>();
    for (const { nodes } of subjects as Iterable<MembershipSubject>) leaders.add(nodes.leader().id);
    return leaders.size > 1 ? `nodes follow different leaders: ${some([...leaders])}` : undefined;
  },
};
