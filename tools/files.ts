/**
 * Finds the repository and its own files.
 *
 * @module
 */

import { join, relative, resolve, sep } from "node:path";

/** The repository's root. */
export const ROOT: string = resolve(import.meta.dirname!, "..");

/** Folders without files that people write. */
const GENERATED = [".git", ".tmp", "coverage", "bench/results"];

/**
 * Lists the files of a folder and of its subfolders, without generated files.
 *
 * @param folder The folder, relative to the root. A folder that does not exist counts as empty.
 * @param root The root of the paths.
 * @returns The files' paths relative to the root, with `/` on every system, sorted.
 */
export async function listFiles(folder = ".", root: string = ROOT): Promise<string[]> {
  const files: string[] = [];
  const visit = async (outer: string): Promise<void> => {
    for await (const entry of Deno.readDir(outer)) {
      const inner = join(outer, entry.name);
      const path = relative(root, inner).replaceAll(sep, "/");
      if (GENERATED.includes(path) || entry.name === "node_modules") continue;
      if (entry.isDirectory) await visit(inner);
      else if (entry.isFile) files.push(path);
    }
  };
  const start = resolve(root, folder);
  if (await exists(start)) await visit(start);
  return files.sort();
}

/**
 * Tells whether a file or folder exists.
 *
 * @param path Its path, relative to the root or absolute.
 * @param root The root that a relative path starts from.
 * @returns Whether it exists.
 */
export async function exists(path: string, root: string = ROOT): Promise<boolean> {
  try {
    await Deno.stat(resolve(root, path));
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Reads a JSON file of the repository.
 *
 * @param path Its path, relative to the root.
 * @returns The parsed content.
 */
export async function readJson<T>(path: string): Promise<T> {
  return JSON.parse(await Deno.readTextFile(resolve(ROOT, path)));
}
