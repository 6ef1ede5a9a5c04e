/**
 * A bar chart of servers.
 *
 * @module
 */

import type { Bench } from "./benches.ts";
import type { Row } from "./rows.ts";
import { escape, short, svg } from "./svg.ts";

const COLOURS: Readonly<Record<string, string>> = {
  trunkline: "#2f7de1",
  control: "#9aa4b2",
  peer: "#d08a3c",
};
const ROW = 30;
const LEFT = 190;
const WIDTH = 720;

/**
 * Draws one bar per server: the median, with a line from the least to the most.
 *
 * @param bench What was measured.
 * @param rows The figures.
 */
export function plot(bench: Pick<Bench, "name" | "what" | "figure">, rows: readonly Row[]): string {
  const figures = rows.map((row) => row[bench.figure] ?? { median: 0, min: 0, max: 0 });
  const most = Math.max(...figures.map(({ max }) => max), Number.MIN_VALUE);
  const x = (value: number) => LEFT + value / most * (WIDTH - LEFT - 90);
  const bars = rows.map(({ server, runtime, peer }, i) => {
    const { median, min, max } = figures[i]!;
    const y = 34 + i * ROW;
    const middle = y + 10;
    return `<text x="${LEFT - 10}" y="${y + 15}" text-anchor="end">${
      escape(`${server} (${runtime})`)
    }</text>` +
      `<rect x="${LEFT}" y="${y}" width="${(x(median) - LEFT).toFixed(1)}" height="20" rx="3" fill="${
        COLOURS[peer]
      }"/>` +
      `<path d="M${x(min).toFixed(1)} ${middle}H${x(max).toFixed(1)}" stroke="#6b7686" stroke-width="2"/>` +
      `<text x="${(x(Math.max(median, max)) + 8).toFixed(1)}" y="${y + 15}">${short(median)}</text>`;
  });
  const title = `<text x="${LEFT}" y="20" font-weight="600">${
    escape(`${bench.name}: ${bench.figure}`)
  }</text>`;
  return svg({
    width: WIDTH,
    height: 44 + rows.length * ROW,
    label: bench.what,
    content: title + bars.join(""),
  });
}
