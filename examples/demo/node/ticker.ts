/**
 * The prices. Of all nodes that are up, the one that started first publishes. When it goes, the next one continues. A new node
 * has started last, so it does not take over once it knows the others.
 *
 * @module
 */

import { type SymbolName, SYMBOLS, TICK_MS } from "../contract.ts";
import { HubError } from "@trunkline/hub";
import type { DemoHub } from "./create_hub.ts";
import { priceAt } from "./prices.ts";
import { repeat } from "./repeat.ts";

/** At most so many ticks are published late: as many as a chart shows. */
const MAX_LATE = 256;
/** If the clock is so many ticks behind the newest one, it was set back: the numbers go on without it. */
const SET_BACK = 8;

/** The options of {@linkcode Ticker}. */
export interface TickerOptions {
  readonly hub: DemoHub;
  readonly number: number;
  readonly seed: string;
  /** Called with whether this node publishes. */
  publishes(yes: boolean): void;
}

/** Ignores errors of an outage: prices stop while the store of their history is away, and the page shows the outage. */
function report(error: unknown): void {
  const code = error instanceof HubError ? error.code : undefined;
  if (code !== "UNAVAILABLE" && code !== "UNCERTAIN" && code !== "TIMEOUT") throw error;
}

/** Publishes prices while it is this node's turn. */
export class Ticker {
  readonly #options: TickerOptions;
  #stop = (): void => {};
  /** The newest stored tick, by symbol, while this node publishes. */
  readonly #last = new Map<SymbolName, number>();

  constructor(options: TickerOptions) {
    this.#options = options;
  }

  /** Starts the ticker. */
  start(): void {
    this.#stop = repeat(TICK_MS, () => this.#tick().catch(report));
  }

  /** Stops the ticker. */
  stop(): void {
    this.#stop();
    this.#options.publishes(false);
  }

  async #tick(): Promise<void> {
    const { hub, publishes } = this.#options;
    // Not `cluster.leader()`: here the next node takes over from a suspect one at once. If both publish, the ids remove duplicates.
    const up = hub.cluster.nodes().filter(({ state }) => state === "up");
    const [first] = up.sort((a, b) => a.startedAt - b.startedAt || (a.id < b.id ? -1 : 1));
    const mine = first?.self === true;
    publishes(mine);
    for (const symbol of SYMBOLS) {
      if (mine) await this.#publish(symbol, Math.floor(Date.now() / TICK_MS));
      else {
        this.#last.delete(symbol);
        // Reading keeps the history on this node, for windows that move here from another node.
        await this.#newest(symbol);
      }
    }
  }

  /** Publishes a tick, and before it all ticks that are missing after an outage of the store, or after the death of a node. */
  async #publish(symbol: SymbolName, clock: number): Promise<void> {
    const { hub, number, seed } = this.#options;
    const last = this.#last.get(symbol) ?? await this.#newest(symbol);
    const n = last !== undefined && clock < last - SET_BACK ? last + 1 : clock;
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
