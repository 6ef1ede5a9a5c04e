/**
 * How long a message takes over the backplane and back: clocks of different nodes cannot tell, a round trip can.
 *
 * @module
 */

import type { Clock } from "../contract/mod.ts";
import type { Backplane } from "./backplane.ts";
import { nodeChannel } from "./channels.ts";

/** What {@linkcode Lag} needs. */
export interface LagOptions {
  /** The other nodes. */
  readonly backplane: Backplane;
  /** What measures. */
  readonly clock: Clock;
}

interface Ping {
  readonly id: number;
  readonly to: string;
  readonly at: number;
}

/** The lag of the backplane, as this node sees it. */
export class Lag {
  readonly #options: LagOptions;
  #open: Ping | undefined;
  #lastMs: number | null = null;
  #lastId = 0;

  /** @param options What it needs. */
  constructor(options: LagOptions) {
    this.#options = options;
    const { backplane, clock } = options;
    backplane.on("ping", ([, id], from) => backplane.publish(nodeChannel(from), ["pong", id]));
    backplane.on("pong", ([, id], from) => {
      if (this.#open?.id !== id || this.#open.to !== from) return;
      this.#lastMs = clock.now() - this.#open.at;
      this.#open = undefined;
    });
  }

  /**
   * The last round trip in milliseconds, or for how long the present one has taken when that is more already; `null`
   * when there is nobody to measure with.
   */
  get ms(): number | null {
    if (this.#lastMs === null) return null;
    const age = this.#open ? this.#options.clock.now() - this.#open.at : 0;
    return Math.round(Math.max(this.#lastMs, age) * 10) / 10;
  }

  /**
   * Measures, unless an answer is still to come.
   *
   * @param nodes Those that should answer; they take turns.
   */
  measure(nodes: readonly string[]): void {
    const { backplane, clock } = this.#options;
    if (this.#open && nodes.includes(this.#open.to)) return;
    this.#open = undefined;
    if (nodes.length === 0) return void (this.#lastMs = null);
    const id = ++this.#lastId;
    const to = nodes[id % nodes.length]!;
    this.#open = { id, to, at: clock.now() };
    backplane.publish(nodeChannel(to), ["ping", id]);
  }
}
