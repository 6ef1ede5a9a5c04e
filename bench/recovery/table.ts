/**
 * Tables of recovery.
 *
 * @module
 */

import type { RecoveryRow } from "./compare.ts";

/**
 * Writes a table in Markdown.
 *
 * @param rows The rows. The first columns name the server.
 * @param head The titles of the other columns.
 * @param cells The cells of the other columns.
 */
export function recoveryTable<Row extends RecoveryRow>(
  rows: readonly Row[],
  head: readonly string[],
  cells: (row: Row) => readonly (string | number)[],
): string {
  const lines = rows.map((row) => {
    const name = row.peer === "trunkline" ? `**${row.server}**` : row.server;
    return `| ${[name, row.runtime, row.adapter, row.nodes, ...cells(row)].join(" | ")} |`;
  });
  return [
    `| server | runtime | adapter | nodes | ${head.join(" | ")} |`,
    `|---|---|---|---|${"---|".repeat(head.length)}`,
    ...lines,
  ].join("\n");
}
