/**
 * The page that shows the code of each panel: the demo's own files, without their imports.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import { highlight } from "./highlight.ts";

/** A panel, and its file. */
interface Excerpt {
  readonly id: string;
  readonly title: string;
  readonly file: string;
}

const EXCERPTS: readonly Excerpt[] = [
  { id: "chat", title: "Chat", file: "node/chat.ts" },
  { id: "trunk", title: "Trunk", file: "node/create_hub.ts" },
  { id: "ticker", title: "Ticker", file: "page/follow.ts" },
  { id: "score", title: "Score", file: "page/ledger.ts" },
  { id: "crossings", title: "Across the trunk", file: "node/crossings.ts" },
];

/**
 * Takes the main part of a file: its last export.
 *
 * @param source The file's text.
 * @returns The description at the top of the file, and that part.
 */
export function excerptOf(source: string): { about: string; code: string } {
  const about = /^\/\*\*\n((?: \* .*\n)+?) \*\n/.exec(source)?.[1] ?? "";
  const start = Math.max(...[...source.matchAll(/^\/\*\* .*\*\/\n(?=export )/gm)].map(({ index }) => index));
  return {
    about: about.replaceAll(/^ \* /gm, "").replaceAll("\n", " ").trim(),
    code: source.slice(start).trim(),
  };
}

/** Reads all excerpts. */
export function readExcerpts(): Promise<(Excerpt & { about: string; code: string })[]> {
  return Promise.all(EXCERPTS.map(async (excerpt) => ({
    ...excerpt,
    ...excerptOf(await readFile(new URL(excerpt.file, import.meta.url), "utf8")),
  })));
}

/** Creates the page. */
export async function codePage(): Promise<string> {
  const sections = (await readExcerpts()).map(({ id, title, file, about, code }) => `
      <section class="card excerpt" id="${id}" aria-labelledby="title-${id}">
        <h2 id="title-${id}">${title}</h2>
        <p>${about}</p>
        <p class="note">examples/demo/${file}, without its imports</p>
        <pre tabindex="0" role="group" aria-label="${file}"><code>${highlight(code)}</code></pre>
      </section>`);
  const template = await readFile(new URL("./page/code.html", import.meta.url), "utf8");
  return template.replace("<!-- EXCERPTS -->", () => sections.join("\n"));
}
