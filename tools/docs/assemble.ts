/**
 * Creates the pages of the site from the documents of the repository.
 *
 * @module
 */

import { dirname, extname, join, posix } from "node:path";
import { exists, listFiles, ROOT } from "../files.ts";
import { type Section, SECTIONS, WIDE } from "./nav.ts";
import { placeOf, sourcePlaceOf, summaryOf, titleOf, toPage, type Wanted } from "./page.ts";

/** A page of the site. */
export interface Page {
  /** The path of its document in the repository. */
  readonly path: string;
  /** Its path on the site. */
  readonly place: string;
  readonly title: string;
  /** Its first sentence. */
  readonly summary: string;
  /** The document. */
  readonly text: string;
}

/** The pages of the site, by section. */
export interface Site {
  readonly home: Page;
  readonly sections: readonly { readonly title: string; readonly pages: readonly Page[] }[];
}

/** Reads all documents of the site. */
export async function readSite(): Promise<Site> {
  const decisions: Section = {
    title: "Decisions",
    pages: (await listFiles("docs/decisions")).filter((path) => path.endsWith(".md")),
  };
  const sections = [];
  for (const { title, pages } of [...SECTIONS, decisions]) {
    sections.push({ title, pages: await Promise.all(pages.map(readPage)) });
  }
  return { home: await readPage("docs/index.md"), sections };
}

async function readPage(path: string): Promise<Page> {
  const text = await Deno.readTextFile(join(ROOT, path));
  return { path, place: placeOf(path)!, title: titleOf(text), summary: summaryOf(text), text };
}

/** The files of the site, by their path on it. */
export type Files = Map<string, string | Uint8Array>;

/**
 * Creates the files of the site.
 *
 * @param site Its documents.
 * @returns Pages, pictures, and the pages of linked files.
 */
export async function layOut({ home, sections }: Site): Promise<Files> {
  const files: Files = new Map();
  const wanted: Wanted = { sources: new Set(), pictures: new Set() };
  const drawings = new Map<string, string>();
  for (const path of await listFiles("docs/drawings")) {
    drawings.set(path, await Deno.readTextFile(join(ROOT, path)));
  }
  for (const { path, place, text } of [home, ...sections.flatMap(({ pages }) => pages)]) {
    const head = WIDE.includes(path) ? "---\naside: false\n---\n\n" : "";
    files.set(place, head + toPage(path, text, wanted, drawings));
  }
  for (const path of wanted.sources) files.set(sourcePlaceOf(path), await showSource(path, wanted));
  for (const path of wanted.pictures) files.set(`public/${path}`, await Deno.readFile(join(ROOT, path)));
  return files;
}

/** A page that shows a file or the list of a folder. The files in the list become pages too. */
async function showSource(path: string, wanted: Wanted): Promise<string> {
  const head = `---\nsearch: false\nprev: false\nnext: false\n---\n\n# ${path || "The repository"}\n\n`;
  const isFolder = (await Deno.stat(join(ROOT, path))).isDirectory;
  if (!isFolder) {
    const text = await Deno.readTextFile(join(ROOT, path));
    if (extname(path) === ".md") return head + toPage(path, text.replace(/^# .*$/m, ""), wanted);
    return `${head}\`\`\`\`${languageOf(path)}\n${text.trimEnd()}\n\`\`\`\`\n`;
  }
  const inside = (await listFiles(path)).filter((file) => !/\.(png|webp|json|svg)$/.test(file)).slice(0, 100);
  const lines = inside.map((file) => {
    wanted.sources.add(file);
    const to = placeOf(file) ?? sourcePlaceOf(file);
    return `- [${file}](./${posix.relative(posix.dirname(sourcePlaceOf(path)), to)})`;
  });
  return `${head}${lines.join("\n")}\n`;
}

function languageOf(path: string): string {
  const name = posix.basename(path);
  if (name === "Dockerfile") return "docker";
  const known = [".ts", ".tsx", ".js", ".css", ".html", ".yml", ".toml", ".vue", ".svelte", ".svg", ".sh"];
  return known.includes(extname(path)) ? extname(path).slice(1) : "txt";
}

/**
 * Writes the files that have changed, and removes old ones.
 *
 * @param folder The folder.
 * @param files All files that the folder must have.
 */
export async function writeFiles(folder: string, files: Files): Promise<void> {
  if (await exists(folder)) {
    for (const path of await listFiles(folder, folder)) {
      const kept = files.has(path) || path.startsWith(".vitepress/") || path.startsWith("public/api/");
      if (!kept) await Deno.remove(join(folder, path));
    }
  }
  for (const [path, content] of files) {
    await Deno.mkdir(join(folder, dirname(path)), { recursive: true });
    if (typeof content === "string") await Deno.writeTextFile(join(folder, path), content);
    else await Deno.writeFile(join(folder, path), content);
  }
}
