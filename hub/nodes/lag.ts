/**
 * Measures the round trip of a message over the backplane. A one-way time would need equal clocks on all nodes.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { nodeChannel } from "../backplane/channels.ts";

/** The options of {@linkcode Lag}. */
export interface LagOptions {
  /** The backplane. */
  readonly backplane: Backplane;
  /** The clock. */
  readonly clock: Clock;
}

/** How many pings without an answer are remembered. */
const MAX_OPEN = 16;

/** The lag of the backplane, as this node sees it. */
export class Lag {
  readonly #options: LagOptions;
  /** The time of each ping without an answer, the oldest first. */
  readonly #open = new Map<number, number>();
  #lastMs: number | null = null;
  #lastId = 0;

  /** @param options Its options. */
  constructor(options: LagOptions) {
    this.#options = options;
    const { backplane, clock } = options;
    backplane.on("ping", ([, id], from) => backplane.publish(nodeChannel(from), ["pong", id]));
    backplane.on("pong", ([, id]) => {
      const sentAt = this.#open.get(id);
      if (sentAt === undefined) return;
      this.#lastMs = clock.now() - sentAt;
      for (const other of this.#open.keys()) if (other <= id) this.#open.delete(other); // lost, or too late to matter
    });
  }

  /**
   * The last round trip in milliseconds, or the age of the oldest ping without an answer if that is more. `null` when
   * there is no other node.
   */
  get ms(): number | null {
    if (this.#lastMs === null) return null;
    const now = this.#options.clock.now();
    const [oldest = now] = this.#open.values();
    return Math.round(Math.max(this.#lastMs, now - oldest) * 10) / 10;
  }

  /**
   * Sends a ping.
   *
   * @param nodes The nodes to measure with; each call takes the next one.
   */
  measure(nodes: readonly string[]): void {
    const { backplane, clock } = this.#options;
    if (nodes.length === 0) {
      this.#open.clear();
      this.#lastMs = null;
      return;
    }
    const id = ++this.#lastId;
    this.#open.set(id, clock.now());
    for (const oldest of this.#open.keys()) if (this.#open.size > MAX_OPEN) this.#open.delete(oldest);
    backplane.publish(nodeChannel(nodes[id % nodes.length]!), ["ping", id]);
  }
}
