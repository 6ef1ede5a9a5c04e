/**
 * The prices. Of the nodes that are up the one whose id sorts lowest publishes, so when it goes the next one goes on.
 *
 * @module
 */

import { SYMBOLS, TICK_MS } from "../contract.ts";
import { priceAt } from "./prices.ts";
import { repeat } from "./repeat.ts";
import type { DemoHub } from "./reporter.ts";

/** What {@linkcode Ticker} needs. */
export interface TickerOptions {
  readonly hub: DemoHub;
  readonly number: number;
  readonly seed: string;
  /** Told whether this node is the one that publishes. */
  publishes(yes: boolean): void;
}

/** Publishes prices while it is this node's turn. */
export class Ticker {
  readonly #options: TickerOptions;
  #stop = (): void => {};
  #lastTick = 0;

  constructor(options: TickerOptions) {
    this.#options = options;
  }

  /** Begins. */
  start(): void {
    this.#stop = repeat(TICK_MS, () => this.#tick());
  }

  /** Ends it. */
  stop(): void {
    this.#stop();
    this.#options.publishes(false);
  }

  async #tick(): Promise<void> {
    const { hub, number, seed, publishes } = this.#options;
    const [first] = hub.cluster.nodes().filter(({ state }) => state === "up").map(({ id }) => id).sort();
    const mine = first === hub.nodeId;
    publishes(mine);
    const n = Math.floor(Date.now() / TICK_MS);
    for (const symbol of SYMBOLS) {
      const topic = `ticker/${symbol}` as const;
      // Reading keeps the history of this node alive, for windows that come from another one.
      if (!mine) await hub.history(topic, { limit: 0 });
      else if (n > this.#lastTick) {
        await hub.publish(topic, { n, price: priceAt(seed, symbol, n), node: number });
      }
    }
    this.#lastTick = n;
  }
}
