/**
 * The documents for language models: an index, all pages in one text, and each page as Markdown.
 *
 * @module
 */

import type { Files, Page, Site } from "./assemble.ts";

/** Sections about the development of the library, not about its use. */
const LEFT_OUT = ["Decisions", "Take part"];
/** Long pages that do not help to use it. */
const TOO_LONG = ["bench/README.md", "CHANGELOG.md", "examples/README.md"];

/**
 * Creates `llms.txt`, `llms-full.txt`, and a copy of each page that they name.
 *
 * @param site The documents.
 * @param files The files of the site, with the created pages.
 * @returns Files to put beside the pages after the build. Before the build, they would become pages too.
 */
export function textsForModels({ home, sections }: Site, files: Files): Files {
  const texts: Files = new Map();
  const used = sections.filter(({ title }) => !LEFT_OUT.includes(title))
    .map(({ title, pages }) => ({ title, pages: pages.filter(({ path }) => !TOO_LONG.includes(path)) }));
  const lineOf = ({ title, place, summary }: Page) => `- [${title}](${place}): ${summary}`;
  const index = used.map(({ title, pages }) => `## ${title}\n\n${pages.map(lineOf).join("\n")}\n`);
  texts.set(
    "llms.txt",
    `# ${home.title}\n\n> ${home.summary}\n\nEverything in one file: [llms-full.txt](llms-full.txt)\n\n${
      index.join("\n")
    }`,
  );
  const pages = used.flatMap(({ pages }) => pages);
  texts.set(
    "llms-full.txt",
    [home, ...pages].map(({ text }) => text.trim()).join("\n\n---\n\n") + "\n",
  );
  for (const { place } of pages) texts.set(place, files.get(place)!);
  return texts;
}
