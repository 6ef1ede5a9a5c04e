/**
 * Checks for faults that the formatter, the linter and the compiler do not find: too long files, import cycles, tests
 * that disable other tests, and paths of one machine.
 *
 * @module
 */

import { posix, relative, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import manifest from "../deno.json" with { type: "json" };
import { exists, listFiles, ROOT } from "./files.ts";
import { type Edges, importCycles } from "./import_cycles.ts";
import { isPublished } from "./lint/import_rules.ts";
import { capture } from "./process.ts";

const MAX_LINES = 400;
/** The most files in one folder of published code, so that a reader sees them at a glance. */
const MAX_FILES = 18;
const SOURCE = /\.(ts|js|html|css)$/;

/** Texts that no file may contain, and the reasons. */
const UNWANTED: readonly { pattern: RegExp; where: RegExp; why: string }[] = [
  { pattern: /\.only\s*\(|\bonly:\s*true/, where: SOURCE, why: "runs one test and hides the others" },
  {
    pattern: /\bregistry\.[a-z]+\.[a-z]+\b|\bnpmjs\.(org|com)\b|\bjsr\.(io)\b|\bdeb\.[a-z]+\.org\b/i,
    where: /./,
    why: "names the host of a package registry",
  },
  {
    pattern: /(^|[\s"'`(=:])(\/(home|root|Users|work)\/\w|[A-Z]:\\Users\\)/,
    where: /./,
    why: "is a path of one machine",
  },
  {
    // Comments, which show it to users of newer platforms, begin with an asterisk.
    pattern: /^[^*]*\busing [\w$]+ =/,
    where: /^(mod\.ts|(adapters|client|codecs|conformance|contract|hub|transports)\/.*\.ts)$/,
    why: "is syntax that Node 22 and many browsers cannot read: use try and finally",
  },
];

/**
 * Finds the problems of a file.
 *
 * @param path The file's path from the root.
 * @param text The file's content.
 * @returns The problems, one line each.
 */
export function fileProblems(path: string, text: string): string[] {
  const lines = text.trimEnd().split("\n");
  const problems = lines.flatMap((line, index) =>
    UNWANTED.filter(({ pattern, where }) => where.test(path) && pattern.test(line))
      .map(({ why }) => `${path}:${index + 1} ${why}: ${line.trim().slice(0, 120)}`)
  );
  if (SOURCE.test(path) && lines.length > MAX_LINES) {
    problems.push(
      `${path} has ${lines.length} lines, more than ${MAX_LINES}: give a part of it a file of its own`,
    );
  }
  return problems;
}

/**
 * Looks for folders of published code that hold too many files.
 *
 * @param paths The files of the repository.
 * @returns The problems, one line each.
 */
export function crowdedFolders(paths: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const path of paths.filter(isPublished)) {
    const folder = posix.dirname(path);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  return [...counts].filter(([, count]) => count > MAX_FILES)
    .map(([folder, count]) => `${folder} holds ${count} files, more than ${MAX_FILES}: part it`);
}

/** Which local files each published module imports, for values or for types: both bind a reader. */
async function publishedImports(): Promise<Edges> {
  const edges: Edges = new Map();
  for (const entry of Object.values(manifest.exports)) {
    if (edges.has(entry.replace("./", "")) || !await exists(entry)) continue;
    const { code, output } = await capture([Deno.execPath(), "info", "--quiet", "--json", entry]);
    if (code !== 0) throw new Error(`Cannot read the modules of ${entry}: ${output}`);
    const graph: ModuleGraph = JSON.parse(output);
    for (const { local, dependencies = [] } of graph.modules) {
      if (!local) continue;
      const imported = dependencies.flatMap(({ code, type }) => [code?.specifier, type?.specifier])
        .filter((specifier) => specifier?.startsWith("file:"))
        .map((specifier) => fromRoot(fileURLToPath(specifier!)));
      edges.set(fromRoot(local), [...new Set(imported)]);
    }
  }
  return edges;
}

/** A path from the root, as {@linkcode listFiles} writes it. */
function fromRoot(path: string): string {
  return relative(ROOT, path).replaceAll(sep, "/");
}

/** Where an import leads. */
interface Resolved {
  readonly specifier?: string;
}

/** The part of `deno info --json` that is read. */
interface ModuleGraph {
  modules: { local?: string; dependencies?: { code?: Resolved; type?: Resolved }[] }[];
}

if (import.meta.main) {
  const problems: string[] = [];
  const paths = await listFiles();
  problems.push(...crowdedFolders(paths));
  for (const path of paths) {
    problems.push(...fileProblems(path, await Deno.readTextFile(resolve(ROOT, path))));
  }
  for (const cycle of importCycles(await publishedImports())) {
    problems.push(`Import cycle: ${cycle.join(" -> ")}`);
  }
  for (const problem of problems) console.error(problem);
  if (problems.length > 0) Deno.exit(1);
}
