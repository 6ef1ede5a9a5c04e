/**
 * A bar chart of servers.
 *
 * @module
 */

import type { Bench } from "./benches.ts";
import type { Range } from "./range.ts";
import type { Row } from "./rows.ts";
import { escape, short, svg } from "./svg.ts";
import { UNITS } from "./units.ts";

const COLOURS: Readonly<Record<string, string>> = {
  trunkline: "#2f7de1",
  control: "#9aa4b2",
  peer: "#d08a3c",
};
const ROW = 30;
const LEAST_LEFT = 190;
const CHARACTER = 7;
const WIDTH = 720;

/** A bar. */
export interface Bar {
  readonly name: string;
  /** The kind of the server: `"trunkline"`, `"control"` or `"peer"`. */
  readonly peer: string;
  readonly figure: Range;
}

/**
 * Draws bars: each shows the median, with a line from the minimum to the maximum.
 *
 * @param title The name of the figures.
 * @param label A description of the plot, for screen readers.
 * @param bars The bars, from top to bottom.
 */
export function plotBars(title: string, label: string, bars: readonly Bar[]): string {
  const most = Math.max(...bars.map(({ figure: { max } }) => max), Number.MIN_VALUE);
  const left = Math.max(LEAST_LEFT, 20 + CHARACTER * Math.max(...bars.map(({ name }) => name.length)));
  const x = (value: number) => left + value / most * (WIDTH - left - 90);
  const drawn = bars.map(({ name, peer, figure: { median, min, max } }, i) => {
    const y = 34 + i * ROW;
    const middle = y + 10;
    return `<text x="${left - 10}" y="${y + 15}" text-anchor="end">${escape(name)}</text>` +
      `<rect x="${left}" y="${y}" width="${(x(median) - left).toFixed(1)}" height="20" rx="3" fill="${
        COLOURS[peer]
      }"/>` +
      `<path d="M${x(min).toFixed(1)} ${middle}H${x(max).toFixed(1)}" stroke="#6b7686" stroke-width="2"/>` +
      `<text x="${(x(Math.max(median, max)) + 8).toFixed(1)}" y="${y + 15}">${short(median)}</text>`;
  });
  return svg({
    width: WIDTH,
    height: 44 + bars.length * ROW,
    label,
    content: `<text x="${left}" y="20" font-weight="600">${escape(title)}</text>${drawn.join("")}`,
  });
}

/**
 * Draws one bar per server.
 *
 * @param bench The benchmark.
 * @param rows The figures.
 */
export function plot(bench: Pick<Bench, "name" | "what" | "figure">, rows: readonly Row[]): string {
  const bars = rows.map(({ server, runtime, peer, [bench.figure]: figure }) => ({
    name: `${server} (${runtime})`,
    peer,
    figure: figure ?? { median: 0, min: 0, max: 0 },
  }));
  return plotBars(`${bench.name}: ${UNITS[bench.figure]}`, bench.what, bars);
}
