/**
 * Cycles among modules that import each other.
 *
 * @module
 */

/** The files that each file imports. */
export type Edges = Map<string, string[]>;

/**
 * Finds import cycles.
 *
 * @param edges The files that each file imports.
 * @returns The cycles, each from a file back to the same file; empty exactly if there is no cycle.
 */
export function importCycles(edges: Edges): string[][] {
  const cycles: string[][] = [];
  const done = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    const start = path.indexOf(file);
    if (start >= 0) {
      cycles.push([...path.slice(start), file]);
      return;
    }
    if (done.has(file)) return;
    path.push(file);
    for (const imported of edges.get(file) ?? []) visit(imported);
    path.pop();
    done.add(file);
  };
  for (const file of edges.keys()) visit(file);
  return cycles;
}
