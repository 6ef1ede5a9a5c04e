/**
 * The prices: subscribed once, for as long as the page lives, whatever node serves it.
 *
 * @module
 */

import { type SymbolName, SYMBOLS, type Tick, TICK_MS } from "../contract.ts";
import { Chart } from "./chart.ts";
import type { DemoClient } from "./connect.ts";
import { byId, count, make, setText } from "./dom.ts";
import { Series } from "./series.ts";

/** How long a recovery is news, in milliseconds. */
const NEWS_MS = 12_000;

/** The ticker of this window. */
export class Ticker {
  readonly #series = new Map<SymbolName, Series>(SYMBOLS.map((symbol) => [symbol, new Series()]));
  readonly #labels = new Map<SymbolName, HTMLElement>();
  readonly #chart = new Chart(byId("chart"));
  readonly #note = byId("ticker-note");
  #symbol: SymbolName = SYMBOLS[0];
  #newsUntil = 0;

  constructor() {
    for (const symbol of SYMBOLS) this.#addChoice(symbol);
    this.#select(this.#symbol);
  }

  /** Subscribes through a client from now on. */
  attach(client: DemoClient): void {
    let served = 0;
    client.on("cluster", ({ you }) => {
      if (served !== 0 && served !== you) this.#chart.mark(Date.now(), `moved to node ${you}`);
      served = you;
    });
    for (const symbol of SYMBOLS) {
      let again = 0;
      const subscription = client.subscribe(
        `ticker/${symbol}`,
        (tick, { recovered }) => {
          if (recovered) again++;
          this.#take(symbol, tick);
        },
        {
          onRecovery: async ({ recovered }) => {
            const came = again;
            again = 0;
            this.#tellNews(
              symbol,
              recovered
                ? `Recovered: ${count(came, "missed tick")} came again, nothing is missing`
                : await this.#fillIn(client, symbol)
                  .then((added) =>
                    `Gap: ${count(added, "missed tick")} fetched from the history of node ${served}`
                  )
                  .catch(() => "Gap: what was missed could not be fetched"),
            );
          },
        },
      );
      // What was published before this window was there.
      subscription.ready.then(() => this.#fillIn(client, symbol)).catch(() => {});
    }
  }

  #addChoice(symbol: SymbolName): void {
    const price = make("span", { class: "symbol-price" }, "–");
    this.#labels.set(symbol, price);
    const input = make("input", {
      attrs: { type: "radio", name: "symbol", value: symbol, id: `symbol-${symbol}` },
      on: { change: () => this.#select(symbol) },
    });
    input.checked = symbol === this.#symbol;
    byId("symbols").append(
      make(
        "label",
        { attrs: { for: input.id } },
        input,
        make("span", { class: "symbol-name" }, symbol),
        price,
      ),
    );
  }

  #select(symbol: SymbolName): void {
    this.#symbol = symbol;
    this.#chart.show(symbol, this.#series.get(symbol)!);
    this.#render();
  }

  #take(symbol: SymbolName, tick: Tick): void {
    this.#series.get(symbol)!.add(tick, Date.now());
    setText(this.#labels.get(symbol)!, this.#series.get(symbol)!.last!.price.toFixed(2));
    if (symbol === this.#symbol) this.#render();
  }

  /**
   * Fetches what the node has kept.
   *
   * @returns How much of it was new.
   */
  async #fillIn(client: DemoClient, symbol: SymbolName): Promise<number> {
    const ticks = await client.request("ticks", { symbol });
    const added = ticks.filter((tick) => this.#series.get(symbol)!.add(tick)).length;
    this.#chart.changed();
    return added;
  }

  #tellNews(symbol: SymbolName, text: string): void {
    if (symbol !== this.#symbol) return;
    this.#newsUntil = performance.now() + NEWS_MS;
    setText(this.#note, text);
  }

  #render(): void {
    const series = this.#series.get(this.#symbol)!;
    const { last, first } = series;
    this.#chart.changed();
    if (!last || !first) return;
    setText(byId("price"), last.price.toFixed(2));
    const percent = (last.price / first.price - 1) * 100;
    const way = percent > 0.005 ? "up" : percent < -0.005 ? "down" : "flat";
    const change = byId("change");
    change.dataset.way = way;
    const sign = { up: "▲ +", down: "▼ −", flat: "= " }[way];
    setText(
      change,
      `${sign}${Math.abs(percent).toFixed(2)} % in ${Math.round((last.n - first.n) * TICK_MS / 1000)} s`,
    );
    if (performance.now() > this.#newsUntil) {
      setText(this.#note, `${Math.round(1000 / TICK_MS)} ticks a second, published by node ${last.node}`);
    }
  }
}
