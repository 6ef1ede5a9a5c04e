/**
 * The prices that this window gets: kept for the chart, and counted for the score.
 *
 * @module
 */

import { type SymbolName, SYMBOLS, type Tick } from "../contract.ts";
import type { DemoClient } from "./connect.ts";
import { count } from "./dom.ts";
import { follow } from "./follow.ts";
import { Series } from "./series.ts";

/** A listener for prices. */
export interface FeedListener {
  /** A price was delivered; `again` is true if it was missed before. */
  onTick?(symbol: SymbolName, tick: Tick, again: boolean): void;
  /** Prices were fetched from a node. */
  onFetched?(symbol: SymbolName, ticks: readonly Tick[]): void;
  /** A text about the missed prices. */
  onNews?(symbol: SymbolName, text: string): void;
}

/** The prices of all symbols. */
export class Feed {
  /** The prices for the chart. */
  readonly series: ReadonlyMap<SymbolName, Series> = new Map(SYMBOLS.map((symbol) => [symbol, new Series()]));
  readonly #listeners: FeedListener[] = [];
  #node = 0;

  /** Adds a listener. */
  tell(listener: FeedListener): void {
    this.#listeners.push(listener);
  }

  /** Subscribes through a client from now on. */
  attach(client: DemoClient): void {
    client.on("cluster", ({ you }) => this.#node = you);
    for (const symbol of SYMBOLS) this.#follow(client, symbol);
  }

  #follow(client: DemoClient, symbol: SymbolName): void {
    const series = this.series.get(symbol)!;
    const news = (text: string) => this.#listeners.forEach((listener) => listener.onNews?.(symbol, text));
    let again = 0;
    let added = 0;
    follow(client, symbol, {
      came: (tick, recovered) => {
        if (recovered) again++;
        series.add(tick, Date.now());
        for (const listener of this.#listeners) listener.onTick?.(symbol, tick, recovered);
      },
      fetched: (ticks) => {
        added = ticks.filter((tick) => series.add(tick)).length;
        for (const listener of this.#listeners) listener.onFetched?.(symbol, ticks);
      },
      back: (how) => {
        if (how === "recovered") {
          news(`Recovered: ${count(again, "missed tick")} came again, nothing is missing`);
        } else if (how === "gap") news("Gap: what was missed could not be fetched");
        else news(`Gap: ${count(added, "missed tick")} fetched from the history of node ${this.#node}`);
        again = 0;
      },
    });
  }
}
