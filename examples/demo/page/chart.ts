/**
 * The line of a symbol. Its shape changes with every tick. In between it only moves, which costs almost nothing.
 *
 * @module
 */

import { type Tick, TICK_MS } from "../contract.ts";
import { draw, make, setText } from "./dom.ts";
import { type Series, SPAN_MS } from "./series.ts";

/** The drawing is late by so much, so that the next tick arrives before it is needed; in milliseconds. */
const DELAY_MS = 3 * TICK_MS;
/** If so many ticks are missing, the line has a gap. */
const HOLE = 4;
/** How fast the scale adapts, per millisecond. */
const EASE = 0.004;

/** Draws a series. */
export class Chart {
  readonly #frame = draw("g");
  readonly #lines = draw("g", { class: "lines" });
  readonly #area = draw("path", { class: "area" });
  readonly #fade = draw(
    "linearGradient",
    { id: "fade", gradientUnits: "userSpaceOnUse", x2: "0" },
    draw("stop", { offset: "0", class: "fade-from" }),
    draw("stop", { offset: "1", class: "fade-to" }),
  );
  readonly #marks = make("div", { class: "marks", attrs: { "aria-hidden": "true" } });
  readonly #dot = make("span", { class: "now", attrs: { "aria-hidden": "true" } });
  readonly #high = make("span");
  readonly #low = make("span");
  readonly #svg: SVGSVGElement;
  readonly #calm = matchMedia("(prefers-reduced-motion: reduce)");
  #series: Series | undefined;
  #origin = 0;
  #scale: { low: number; high: number } | undefined;
  #drawnAt = 0;
  #pending: { at: number; element: HTMLElement }[] = [];

  /** @param place The element to draw in. */
  constructor(place: HTMLElement) {
    this.#frame.append(this.#area, this.#lines);
    this.#svg = draw("svg", { viewBox: "0 0 1 1", preserveAspectRatio: "none", role: "img" });
    this.#svg.append(draw("defs", {}, this.#fade), this.#frame);
    const times = make("p", { class: "times", attrs: { "aria-hidden": "true" } });
    times.append(make("span", {}, `${SPAN_MS / 1000} s ago`), make("span", {}, "now"));
    place.append(
      make("div", { class: "plot" }, this.#svg, this.#marks, this.#dot),
      make("p", { class: "scale", attrs: { "aria-hidden": "true" } }, this.#high, this.#low),
      times,
    );
    requestAnimationFrame(() => this.#animate());
  }

  /** Draws another series. */
  show(name: string, series: Series): void {
    this.#series = series;
    this.#scale = undefined;
    this.#svg.setAttribute("aria-label", `Price of ${name} over the last ${SPAN_MS / 1000} seconds`);
    this.changed();
  }

  /** Draws the changes of the series. */
  changed(): void {
    const ticks = this.#series?.ticks ?? [];
    // Small numbers, because the drawing's coordinates have single precision.
    this.#origin = ticks[0]?.n ?? 0;
    const point = ({ n, price }: Tick) => `${n - this.#origin} ${price}`;
    const pieces: { node: number; hole: boolean; points: string[] }[] = [];
    let before: Tick | undefined;
    for (const tick of ticks) {
      const hole = before !== undefined && tick.n - before.n >= HOLE;
      if (hole) pieces.push({ node: before!.node, hole, points: [point(before!), point(tick)] });
      if (hole || before?.node !== tick.node) {
        pieces.push({ node: tick.node, hole: false, points: before && !hole ? [point(before)] : [] });
      }
      pieces.at(-1)!.points.push(point(tick));
      before = tick;
    }
    this.#lines.replaceChildren(...pieces.map(({ node, hole, points }) =>
      draw("path", {
        d: `M${points.join("L")}`,
        "data-node": String(node),
        ...(hole && { class: "hole" }),
      })
    ));
    const last = ticks.at(-1);
    this.#area.setAttribute(
      "d",
      last ? `M0 0L${ticks.map(point).join("L")}L${last.n - this.#origin} 0Z` : "",
    );
    if (this.#calm.matches) this.#draw(Infinity);
  }

  /** Marks a moment. */
  mark(at: number, text: string): void {
    const element = make("span", { class: "mark" }, text);
    this.#pending.push({ at, element });
    this.#marks.append(element);
  }

  #animate(): void {
    const now = performance.now();
    if (!this.#calm.matches) this.#draw(now - this.#drawnAt);
    this.#drawnAt = now;
    requestAnimationFrame(() => this.#animate());
  }

  /** Moves the drawing to now. */
  #draw(elapsedMs: number): void {
    const series = this.#series;
    if (!series?.last) return;
    const end = (Date.now() - series.lagMs - DELAY_MS) / TICK_MS;
    const width = SPAN_MS / TICK_MS;
    const visible = series.ticks.filter(({ n }) => n >= end - width).map(({ price }) => price);
    if (visible.length === 0) visible.push(series.last.price);
    const low = Math.min(...visible), high = Math.max(...visible);
    const margin = Math.max((high - low) * 0.15, high * 0.0005);
    const wanted = { low: low - margin, high: high + margin };
    const share = this.#scale ? Math.min(1, elapsedMs * EASE) : 1;
    const from = this.#scale ?? wanted;
    const scale = this.#scale = {
      low: from.low + (wanted.low - from.low) * share,
      high: from.high + (wanted.high - from.high) * share,
    };
    const x = 1 / width, y = 1 / (scale.high - scale.low);
    const left = (this.#origin - end) * x + 1;
    this.#frame.setAttribute("transform", `matrix(${x} 0 0 ${-y} ${left} ${scale.high * y})`);
    this.#fade.setAttribute("y1", String(scale.high));
    this.#fade.setAttribute("y2", String(scale.low));
    setText(this.#high, scale.high.toFixed(2));
    setText(this.#low, scale.low.toFixed(2));
    this.#dot.dataset.node = String(series.last.node);
    this.#dot.style.setProperty("--at", String((scale.high - priceAt(series.ticks, end)) * y));
    const endMs = end * TICK_MS + series.lagMs;
    this.#pending = this.#pending.filter(({ at, element }) => {
      const position = 1 - (endMs - at) / SPAN_MS;
      element.style.left = `${position * 100}%`;
      element.hidden = position > 1;
      element.classList.toggle("late", position > 0.7);
      if (position >= 0) return true;
      element.remove();
      return false;
    });
  }
}

/** The price at a moment, on the line between two ticks. */
function priceAt(ticks: readonly Tick[], n: number): number {
  const index = ticks.findLastIndex((tick) => tick.n <= n);
  const before = ticks[index] ?? ticks[0]!;
  const after = ticks[index + 1] ?? before;
  const share = after === before ? 0 : (n - before.n) / (after.n - before.n);
  return before.price + (after.price - before.price) * Math.max(0, share);
}
