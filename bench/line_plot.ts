/**
 * Draws lines over sizes that grow tenfold.
 *
 * @module
 */

import { escape, short, svg } from "./svg.ts";

/** A line of a plot. */
export interface Line {
  /** What it shows. */
  readonly name: string;
  readonly colour: string;
  /** Whether it is dashed. */
  readonly dashed?: boolean;
  /** Its points, by size. */
  readonly points: readonly (readonly [size: number, value: number])[];
}

const WIDTH = 720;
const HEIGHT = 320;
const [LEFT, RIGHT, TOP, BOTTOM] = [70, 210, 40, 280];
const STEPS = 4;

/** The next round number from `value` up: 1, 2, 2.5, 5 or 10 times a power of ten. */
function roundUp(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((rounded) => rounded >= value * 0.999)!;
}

/**
 * Draws lines. Each size is ten times the one before, so the sizes have equal distances. The values begin at zero.
 *
 * @param title What the values are.
 * @param lines The lines; all have the same sizes.
 */
export function plotLines(title: string, lines: readonly Line[]): string {
  const sizes = [...new Set(lines.flatMap(({ points }) => points.map(([size]) => size)))].sort((a, b) =>
    a - b
  );
  const most = roundUp(Math.max(...lines.flatMap(({ points }) => points.map(([, value]) => value)), 1e-9));
  const x = (size: number) =>
    LEFT + 20 + sizes.indexOf(size) / Math.max(1, sizes.length - 1) * (WIDTH - RIGHT - LEFT - 40);
  const y = (value: number) => BOTTOM - value / most * (BOTTOM - TOP);
  const grid = Array.from({ length: STEPS + 1 }, (_, i) => {
    const value = most * i / STEPS;
    return `<path class="grid" d="M${LEFT} ${y(value).toFixed(1)}H${WIDTH - RIGHT}"/>` +
      `<text x="${LEFT - 8}" y="${(y(value) + 4).toFixed(1)}" text-anchor="end">${short(value)}</text>`;
  });
  const ticks = sizes.map((size) =>
    `<text x="${x(size).toFixed(1)}" y="${BOTTOM + 22}" text-anchor="middle">${
      size.toLocaleString("en")
    }</text>`
  );
  const drawn = lines.map(({ name, colour, dashed, points }, i) => {
    const at = points.map(([size, value]) => [x(size).toFixed(1), y(value).toFixed(1)] as const);
    const stroke = `fill="none" stroke="${colour}" stroke-width="2"${
      dashed ? ' stroke-dasharray="6 4"' : ""
    }`;
    const legend = TOP + 10 + i * 22;
    return `<path d="M${at.map((point) => point.join(" ")).join("L")}" ${stroke}/>` +
      at.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`).join("") +
      `<path d="M${WIDTH - RIGHT + 12} ${legend}h24" ${stroke}/>` +
      `<text x="${WIDTH - RIGHT + 44}" y="${legend + 4}">${escape(name)}</text>`;
  });
  return svg({
    width: WIDTH,
    height: HEIGHT,
    label: title,
    content: `<text x="${LEFT}" y="22" font-weight="600">${escape(title)}</text>${
      [...grid, ...ticks, ...drawn].join("")
    }`,
  });
}
