/**
 * Finds a node that knows the cluster.
 *
 * @module
 */

import type { Clock } from "../../contract/clock.ts";
import { inTime } from "../kit/deadline.ts";
import { shuffled } from "../kit/shuffle.ts";
import type { ClusterLink, ClusterLinkEvents } from "./link.ts";
import type { ClusterNodes } from "./nodes.ts";
import { askTopology, type Topology } from "./topology.ts";

/** How many nodes to ask at once. */
const MAX_ASKED = 4;

/** What {@linkcode Finder} needs. */
export interface FinderOptions {
  readonly nodes: ClusterNodes;
  readonly clock: Clock;
  readonly connectTimeoutMs: number;
  /** How long an answer may take. */
  readonly answerMs: number;
  connect(address: string, events: ClusterLinkEvents): Promise<ClusterLink>;
  /** A node could not be asked. */
  onFailure(cause: unknown, address: string): void;
}

/** A connection that is there. */
export interface Connected {
  readonly address: string;
  readonly link: ClusterLink;
}

/** Asks nodes. */
export class Finder {
  readonly #options: FinderOptions;
  readonly #links = new Set<ClusterLink>();
  /** What is under way; one answer is enough, and the others come later. */
  readonly #asking = new Set<Promise<unknown>>();
  /** All nodes of the cluster, as last heard. */
  #known: readonly string[] = [];
  #closed = false;

  /** @param options What it needs. */
  constructor(options: FinderOptions) {
    this.#options = options;
  }

  /**
   * Asks over the connections that there are, else all nodes that were ever heard of.
   *
   * @param connected The connections that there are.
   * @returns What one says that sees a cluster that works; else what any says; `undefined` if none can be asked. Then
   * failures have been reported.
   */
  async find(connected: readonly Connected[]): Promise<Topology | undefined> {
    const { nodes, onFailure } = this.#options;
    let doubtful: Topology | undefined;
    const anyOk = async (answers: readonly Promise<Topology | undefined>[]) => {
      const ok = answers.map(async (answer) => {
        const topology = await answer;
        if (topology?.ok) return topology;
        doubtful ??= topology;
        throw new Error("It knows no cluster that works");
      });
      return await Promise.any(ok).catch(() => undefined);
    };
    let found = await anyOk(shuffled(connected).slice(0, MAX_ASKED).map((one) => this.#ask(one)));
    if (!found && !this.#closed) {
      const failures: [unknown, string][] = [];
      const others = [...new Set([...nodes.seeds(), ...this.#known])]
        .filter((address) => !connected.some((one) => one.address === address));
      found = await anyOk(
        shuffled(others).slice(0, MAX_ASKED).map((one) => this.#counted(this.#askAnew(one, failures))),
      );
      found ??= doubtful;
      // One that works is enough, whatever is wrong with others.
      if (!found && !this.#closed) { for (const failure of failures) onFailure(...failure); }
    }
    if (found?.nodes.length) this.#known = found.nodes;
    return found;
  }

  /** Ends what is under way; resolves when nothing of it is left. */
  async close(): Promise<void> {
    this.#closed = true;
    await Promise.all([...this.#links].map((link) => link.destroy()));
    await Promise.all(this.#asking);
  }

  /** @param asking Does not reject. */
  #counted<T>(asking: Promise<T>): Promise<T> {
    this.#asking.add(asking);
    return asking.finally(() => this.#asking.delete(asking));
  }

  async #ask({ link, address }: Connected): Promise<Topology | undefined> {
    const { nodes, clock, answerMs } = this.#options;
    return await inTime(clock, answerMs, askTopology(link, address, nodes), "No answer").catch(() =>
      undefined
    );
  }

  async #askAnew(address: string, failures: [unknown, string][]): Promise<Topology | undefined> {
    const { nodes, clock, connectTimeoutMs, answerMs, connect } = this.#options;
    let cause: unknown;
    let link: ClusterLink | undefined;
    try {
      link = await connect(address, {
        onMessage: () => {},
        onEvicted: () => {},
        onLost: (error) => cause = error,
      });
      if (this.#closed) return undefined;
      this.#links.add(link);
      await inTime(clock, connectTimeoutMs, link.ready, "No connection");
      return await inTime(clock, answerMs, askTopology(link, address, nodes), "No answer");
    } catch (error) {
      if (this.#closed) return undefined; // by us: there is nothing to explain
      failures.push([await link?.explain(cause ?? error) ?? error, address]);
      return undefined;
    } finally {
      await link?.destroy();
      if (link) this.#links.delete(link);
    }
  }
}
