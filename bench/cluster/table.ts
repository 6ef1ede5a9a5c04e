/**
 * Tables of clusters.
 *
 * @module
 */

import type { Range } from "../range.ts";
import { short } from "../svg.ts";
import type { ClusterRow } from "./rows.ts";

/** A figure and its range, for readers. */
export const ranged = ({ median, min, max }: Range): string =>
  `${short(median)} (${short(min)}–${short(max)})`;

/** The share that was delivered, and whether it was in order. */
export function shareOf({ delivered, expected, ordered }: ClusterRow): string {
  const share = delivered === expected ? "100 %" : `${(100 * delivered / expected).toFixed(1)} %`;
  return ordered ? share : `${share}, not in order`;
}

/**
 * Writes a table in Markdown.
 *
 * @param rows The rows. The first columns name the server.
 * @param head The titles of the other columns.
 * @param cells The cells of the other columns.
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
