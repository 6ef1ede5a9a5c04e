/**
 * The code in the documents, as files.
 *
 * @module
 */

import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import { join } from "node:path";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** A block of TypeScript. */
export interface Block {
  /** The name in its first line, `// chat.ts`, or one made of its line in the document. */
  readonly name: string;
  /** Whether it has a name of its own, by which later blocks import it. */
  readonly named: boolean;
  readonly code: string;
}

/** Reads a document of the repository. */
export function readDocument(path: string): Promise<string> {
  return readFile(join(ROOT, path), "utf8");
}

/** Lists the documents in a folder of the repository, and in the folders in it. */
export async function listDocuments(folder: string): Promise<string[]> {
  const names = await readdir(join(ROOT, folder), { recursive: true });
  return names.filter((name) => name.endsWith(".md")).map((name) => `${folder}/${name.replaceAll("\\", "/")}`)
    .sort();
}

/**
 * Takes the blocks of TypeScript out of a document.
 *
 * @param text The document.
 * @param page What the names of blocks without a name begin with.
 */
export function blocksOf(text: string, page = ""): Block[] {
  return Array.from(text.matchAll(/^```ts\n(.*?)^```$/gms), ({ index, 1: code = "" }) => {
    const [, name] = code.match(/^\/\/ (\w+\.ts)\n/) ?? [];
    return { name: name ?? `${page}line_${text.slice(0, index).split("\n").length}.ts`, named: !!name, code };
  });
}

/** Documents whose code is not of the guide, or that have none to run. */
const NO_GUIDE = ["docs/adapters.md", "docs/protocol.md", "docs/operations.md", "docs/decisions/"];

/** Reads the blocks of the guide, which is all other pages: what one page names, all of them may import. */
export async function readGuide(): Promise<Block[]> {
  const blocks: Block[] = [];
  for (const path of await listDocuments("docs")) {
    if (NO_GUIDE.some((other) => path.startsWith(other))) continue;
    const page = path.slice("docs/".length, -".md".length).replaceAll(/\W/g, "_");
    blocks.push(...blocksOf(await readDocument(path), `${page}_`));
  }
  return blocks;
}

/** A folder for code of the documents, in which the package's own name leads to the package. */
export interface Folder extends AsyncDisposable {
  /** Its path. */
  readonly path: string;
  /** Writes a file, and returns its path. */
  write(name: string, code: string): Promise<string>;
  /** Runs a file as a module of this process. */
  run(name: string): Promise<Record<string, unknown>>;
}

/** Makes a folder; it is removed when it is disposed of. */
export async function createFolder(): Promise<Folder> {
  await mkdir(join(ROOT, ".tmp"), { recursive: true });
  const path = await mkdtemp(join(ROOT, ".tmp", "docs-"));
  return {
    path,
    async write(name, code) {
      await writeFile(join(path, name), code);
      return join(path, name);
    },
    run: (name) => import(pathToFileURL(join(path, name)).href),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true }),
  };
}
