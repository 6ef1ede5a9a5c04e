/**
 * Tables of recovery.
 *
 * @module
 */

import type { RecoveryRow } from "./compare.ts";

/**
 * Writes a table in Markdown.
 *
 * @param rows The rows; which server each is of stands at their beginning.
 * @param head What the other columns are.
 * @param cells What stands in them.
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
