/**
 * Tables of clusters.
 *
 * @module
 */

import type { Range } from "../range.ts";
import { short } from "../svg.ts";
import type { ClusterRow } from "./rows.ts";

/** A figure and its range, as people read it. */
export const ranged = ({ median, min, max }: Range): string =>
  `${short(median)} (${short(min)}–${short(max)})`;

/** Which share was delivered, and whether in order. */
export function shareOf({ delivered, expected, ordered }: ClusterRow): string {
  const share = delivered === expected ? "100 %" : `${(100 * delivered / expected).toFixed(1)} %`;
  return ordered ? share : `${share}, not in order`;
}

/**
 * Writes a table in Markdown.
 *
 * @param rows The rows; which server each is of stands at their beginning.
 * @param head What the other columns are.
 * @param cells What stands in them.
 */
export function tableOf<Row extends ClusterRow>(
  rows: readonly Row[],
  head: readonly string[],
  cells: (row: Row) => readonly (string | number)[],
): string {
  const lines = rows.map((row) => {
    const name = row.peer === "trunkline" ? `**${row.server}**` : row.server;
    return `| ${[name, row.runtime, row.adapter, ...cells(row)].join(" | ")} |`;
  });
  return [
    `| server | runtime | adapter | ${head.join(" | ")} |`,
    `|---|---|---|${"---|".repeat(head.length)}`,
    ...lines,
  ].join("\n");
}
