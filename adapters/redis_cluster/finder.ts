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

/** Options of {@linkcode Finder}. */
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

/** A node with a working connection. */
export interface Connected {
  readonly address: string;
  readonly link: ClusterLink;
}

/** What a node says, and which nodes see a working cluster. */
export interface Found extends Topology {
  /** The nodes that have answered that they see a working cluster, and those that see none. */
  readonly sure: ReadonlySet<string>;
  readonly doubters: ReadonlySet<string>;
}

/** Asks nodes for the topology. */
export class Finder {
  readonly #options: FinderOptions;
  readonly #links = new Set<ClusterLink>();
  /** Requests under way. One answer is enough; the others may come later. */
  readonly #asking = new Set<Promise<unknown>>();
  /** All nodes of the cluster, from the last answer. */
  #known: readonly string[] = [];
  #closed = false;

  /** @param options The options. */
  constructor(options: FinderOptions) {
    this.#options = options;
  }

  /**
   * Asks over the given connections. If that fails, it asks all nodes that it has ever known.
   *
   * @param connected The working connections.
   * @returns The answer of a node that sees a working cluster. Without one, any other answer. `undefined` if no node
   * can be asked; the failures are then reported.
   */
  async find(connected: readonly Connected[]): Promise<Found | undefined> {
    const { nodes, onFailure } = this.#options;
    let doubtful: Topology | undefined;
    const [sure, doubters] = [new Set<string>(), new Set<string>()];
    const anyOk = async (answers: readonly (readonly [string, Promise<Topology | undefined>])[]) => {
      const ok = answers.map(async ([address, answer]) => {
        const topology = await answer;
        if (topology) (topology.ok ? sure : doubters).add(address);
        if (topology?.ok) return topology;
        doubtful ??= topology;
        throw new Error("It sees no working cluster");
      });
      return await Promise.any(ok).catch(() => undefined);
    };
    let found = await anyOk(
      shuffled(connected).slice(0, MAX_ASKED).map((one) => [one.address, this.#ask(one)]),
    );
    if (!found && !this.#closed) {
      const failures: [unknown, string][] = [];
      const others = [...new Set([...nodes.seeds(), ...this.#known])]
        .filter((address) => !connected.some((one) => one.address === address));
      found = await anyOk(
        shuffled(others).slice(0, MAX_ASKED).map((one) => [
          one,
          this.#counted(this.#askAnew(one, failures)),
        ]),
      );
      found ??= doubtful;
      // One working node is enough, so failures of others are not reported.
      if (!found && !this.#closed) { for (const failure of failures) onFailure(...failure); }
    }
    if (found?.nodes.length) this.#known = found.nodes;
    return found && { ...found, sure, doubters };
  }

  /** Ends all requests. Resolves when nothing of them is left. */
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
      if (this.#closed) return undefined; // this adapter closed it: there is nothing to explain
      failures.push([await link?.explain(cause ?? error) ?? error, address]);
      return undefined;
    } finally {
      await link?.destroy();
      if (link) this.#links.delete(link);
    }
  }
}
