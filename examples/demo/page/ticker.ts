/**
 * The prices on the page.
 *
 * @module
 */

import { type SymbolName, SYMBOLS, TICK_MS } from "../contract.ts";
import { Chart } from "./chart.ts";
import type { DemoClient } from "./connect.ts";
import { byId, make, setText } from "./dom.ts";
import type { FeedListener } from "./feed.ts";
import type { Series } from "./series.ts";

/** How long a recovery is shown, in milliseconds. */
const NEWS_MS = 12_000;

/** The ticker of this window. */
export class Ticker implements FeedListener {
  readonly #series: ReadonlyMap<SymbolName, Series>;
  readonly #labels = new Map<SymbolName, HTMLElement>();
  readonly #chart = new Chart(byId("chart"));
  readonly #note = byId("ticker-note");
  #symbol: SymbolName = SYMBOLS[0];
  #newsUntil = 0;

  /** @param series The prices of each symbol. */
  constructor(series: ReadonlyMap<SymbolName, Series>) {
    this.#series = series;
    for (const symbol of SYMBOLS) this.#addChoice(symbol);
    this.#select(this.#symbol);
  }

  /** Marks the moves of a client from now on. */
  attach(client: DemoClient): void {
    let served = 0;
    client.on("cluster", ({ you }) => {
      if (served !== 0 && served !== you) this.#chart.mark(Date.now(), `moved to node ${you}`);
      served = you;
    });
  }

  /** Takes a price. */
  onTick(symbol: SymbolName): void {
    setText(this.#labels.get(symbol)!, this.#series.get(symbol)!.last!.price.toFixed(2));
    if (symbol === this.#symbol) this.#render();
  }

  /** Takes fetched prices. */
  onFetched(): void {
    this.#chart.changed();
  }

  /** Shows a text about the missed prices. */
  onNews(symbol: SymbolName, text: string): void {
    if (symbol !== this.#symbol) return;
    this.#newsUntil = performance.now() + NEWS_MS;
    setText(this.#note, text);
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
