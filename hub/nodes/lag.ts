/**
 * How long a message takes over the backplane and back: clocks of different nodes cannot tell, a round trip can.
 *
 * @module
 */

import type { Clock } from "../../contract/mod.ts";
import type { Backplane } from "../backplane/backplane.ts";
import { nodeChannel } from "../backplane/channels.ts";

/** What {@linkcode Lag} needs. */
export interface LagOptions {
  /** The other nodes. */
  readonly backplane: Backplane;
  /** What measures. */
  readonly clock: Clock;
}

/** How many pings without an answer are remembered. */
const MAX_OPEN = 16;

/** The lag of the backplane, as this node sees it. */
export class Lag {
  readonly #options: LagOptions;
  /** When the pings were sent that have no answer yet, the oldest first. */
  readonly #open = new Map<number, number>();
  #lastMs: number | null = null;
  #lastId = 0;

  /** @param options What it needs. */
  constructor(options: LagOptions) {
    this.#options = options;
    const { backplane, clock } = options;
    backplane.on("ping", ([, id], from) => backplane.publish(nodeChannel(from), ["pong", id]));
    backplane.on("pong", ([, id]) => {
      const sentAt = this.#open.get(id);
      if (sentAt === undefined) return;
      this.#lastMs = clock.now() - sentAt;
      for (const other of this.#open.keys()) if (other <= id) this.#open.delete(other); // lost, or as good as
    });
  }

  /**
   * The last round trip in milliseconds, or for how long nobody has answered when that is more already; `null` when
   * there is nobody to measure with.
   */
  get ms(): number | null {
    if (this.#lastMs === null) return null;
    const now = this.#options.clock.now();
    const [oldest = now] = this.#open.values();
    return Math.round(Math.max(this.#lastMs, now - oldest) * 10) / 10;
  }

  /**
   * Measures.
   *
   * @param nodes Those that should answer; they take turns.
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
