/**
 * The prices. Of the nodes that are up the one that started first publishes, so when it goes the next one goes on, and a
 * new one, which does not know yet where the others are, takes over from nobody.
 *
 * @module
 */

import { type SymbolName, SYMBOLS, TICK_MS } from "../contract.ts";
import { HubError } from "@trunkline/hub";
import type { DemoHub } from "./create_hub.ts";
import { priceAt } from "./prices.ts";
import { repeat } from "./repeat.ts";

/** How many ticks are published late, at the most: those that a chart shows. */
const MAX_LATE = 256;

/** What {@linkcode Ticker} needs. */
export interface TickerOptions {
  readonly hub: DemoHub;
  readonly number: number;
  readonly seed: string;
  /** Told whether this node is the one that publishes. */
  publishes(yes: boolean): void;
}

/** Prices stand still while the store of their history is away; the page says that it is. */
function report(error: unknown): void {
  const code = error instanceof HubError ? error.code : undefined;
  if (code !== "UNAVAILABLE" && code !== "UNCERTAIN" && code !== "TIMEOUT") throw error;
}

/** Publishes prices while it is this node's turn. */
export class Ticker {
  readonly #options: TickerOptions;
  #stop = (): void => {};
  /** The newest tick that is kept, by symbol, while this node publishes. */
  readonly #last = new Map<SymbolName, number>();

  constructor(options: TickerOptions) {
    this.#options = options;
  }

  /** Begins. */
  start(): void {
    this.#stop = repeat(TICK_MS, () => this.#tick().catch(report));
  }

  /** Ends it. */
  stop(): void {
    this.#stop();
    this.#options.publishes(false);
  }

  async #tick(): Promise<void> {
    const { hub, publishes } = this.#options;
    // Not `cluster.leader()`: here a node that is suspect hands over at once; two that publish for a moment are one by the ids.
    const up = hub.cluster.nodes().filter(({ state }) => state === "up");
    const [first] = up.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
    const mine = first?.self === true;
    publishes(mine);
    for (const symbol of SYMBOLS) {
      if (mine) await this.#publish(symbol, Math.floor(Date.now() / TICK_MS));
      else {
        this.#last.delete(symbol);
        // Reading keeps the history of this node alive, for windows that come from another one.
        await this.#newest(symbol);
      }
    }
  }

  /** Publishes a tick, and before it those that nobody could: while the store was away, or the node before this one dead. */
  async #publish(symbol: SymbolName, n: number): Promise<void> {
    const { hub, number, seed } = this.#options;
    const last = this.#last.get(symbol) ?? await this.#newest(symbol);
    const start = Math.max(last ?? n - 1, n - MAX_LATE) + 1;
    for (let tick = start; tick <= n; tick++) {
      const price = priceAt(seed, symbol, tick);
      const first = tick === start && start - 1 !== last;
      await hub.publish(`ticker/${symbol}`, { n: tick, price, node: number, first }, { id: String(tick) });
      this.#last.set(symbol, tick);
    }
  }

  async #newest(symbol: SymbolName): Promise<number | undefined> {
    const { records } = await this.#options.hub.history(`ticker/${symbol}`, { limit: 1, reverse: true });
    return records[0]?.payload.n;
  }
}
