/**
 * Reports the cluster to a node's clients once a second: the node itself, and the answers of the others.
 *
 * @module
 */

import type { ClusterView, Load, Slot } from "../contract.ts";
import { catchUp } from "./catch_up.ts";
import type { DemoHub } from "./create_hub.ts";
import type { Recent } from "./recent.ts";
import { repeat } from "./repeat.ts";
import type { Traffic } from "./traffic.ts";

/** The options of {@linkcode Reporter}. */
export interface ReporterOptions {
  readonly hub: DemoHub;
  readonly number: number;
  /** The counts of this node. */
  readonly traffic: Traffic;
  /** The latest messages. */
  readonly recent: Recent;
}

const REPORT_MS = 1_000;

/** Reports on the cluster. */
export class Reporter {
  /** The room of all clients of this node. */
  readonly room: string;
  /** Whether this node publishes the prices. */
  publishesTicker = false;
  readonly #options: ReporterOptions;
  readonly #startedAt = Date.now();
  /** The numbers of the nodes, by id. Dead nodes stay in it, because their last messages may still need a number. */
  readonly #numbers = new Map<string, number>();
  /** Whether this node may have missed messages of other nodes. */
  #behind = false;
  #slots: readonly Slot[] = [];
  #others: readonly Load[] = [];
  #silent: ClusterView["silent"] = [];
  #before: Load["traffic"] = { in: 0, out: 0 };
  #lastSecond: Load["traffic"] = { in: 0, out: 0 };
  #stop = (): void => {};

  constructor(options: ReporterOptions) {
    this.#options = options;
    this.room = `node/${options.hub.nodeId}`;
    this.#numbers.set(options.hub.nodeId, options.number);
    const { cluster } = options.hub;
    cluster.on("backplane", (status) => {
      this.#behind ||= status === "up";
      this.#send();
    });
    // The node may have run all the time, on the other side of an outage.
    cluster.on("join", () => this.#behind = true);
  }

  /** Starts the reports. */
  start(): void {
    this.#stop = repeat(REPORT_MS, () => this.#report());
  }

  /** Stops the reports. */
  stop(): void {
    this.#stop();
  }

  /** Takes the new states of the nodes. */
  tell(slots: readonly Slot[]): void {
    this.#slots = slots;
    this.#send();
  }

  /** The number of a node; 0 if it is not known yet. */
  numberOf(nodeId: string): number {
    return this.#numbers.get(nodeId) ?? 0;
  }

  /** The report of this node. */
  load(): Load {
    return {
      id: this.#options.hub.nodeId,
      number: this.#options.number,
      connections: this.#options.hub.stats().connections,
      traffic: this.#lastSecond,
      publishesTicker: this.publishesTicker,
      startedAt: this.#startedAt,
    };
  }

  /** The cluster as this node sees it. */
  view(): ClusterView {
    const loads = [this.load(), ...this.#others].sort((a, b) => a.number - b.number);
    const { number: you, traffic: { backplane } } = this.#options;
    return { you, backplane, slots: [...this.#slots], loads, silent: this.#silent };
  }

  async #report(): Promise<void> {
    const { hub, traffic } = this.#options;
    this.#lastSecond = { in: traffic.in - this.#before.in, out: traffic.out - this.#before.out };
    this.#before = { ...traffic };
    const { answers, missing } = await hub.requestServers("load", {});
    for (const [id, { number }] of answers) this.#numbers.set(id, number);
    this.#others = [...answers.values()];
    const states = new Map(hub.cluster.nodes().map((node) => [node.id, node.state]));
    this.#silent = missing.flatMap(({ node }) => {
      const state = states.get(node);
      // A node that left during the request, or is dead, is not silent: it is gone.
      return state && state !== "down" ? [{ id: node, number: this.numberOf(node), state }] : [];
    });
    this.#send();
    if (this.#behind && traffic.backplane === "up") await this.#catchUp();
  }

  /** Sends the clients of this node the missed messages of other nodes. Asks again while some nodes do not answer. */
  async #catchUp(): Promise<void> {
    const { hub, recent } = this.#options;
    this.#behind = false;
    const { news, complete } = await catchUp(hub, recent);
    if (!complete) this.#behind = true;
    for (const message of news) hub.room(this.room).broadcast("message", message);
  }

  #send(): void {
    this.#options.hub.room(this.room).broadcast("cluster", this.view());
  }
}
