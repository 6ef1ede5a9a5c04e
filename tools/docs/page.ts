/**
 * Documents of the repository as pages of the site: where each goes, and where its links lead.
 *
 * @module
 */

import { posix } from "node:path";

/** Documents that have another place on the site than in the repository. */
const PLACES: Readonly<Record<string, string>> = {
  "README.md": "index.md",
  "SECURITY.md": "security.md",
  "CONTRIBUTING.md": "contributing.md",
  "CODE_OF_CONDUCT.md": "code-of-conduct.md",
  "CHANGELOG.md": "changelog.md",
  "bench/README.md": "benchmarks.md",
  "examples/README.md": "examples.md",
};

/** Code in fences, which is left as it is. */
const CODE = /^ *(`{3,}).*?^ *\1`*$/gms;
const LINK = /(!?)\[((?:[^\]\\\n]|\\.|!\[[^\]\n]*\]\([^)\s]+\))*)\]\(([^)\s]+)\)/g;

/**
 * Where a document of the repository is on the site.
 *
 * @param path Its path from the root of the repository.
 * @returns Its path from the root of the site; `undefined` for what is no page of its own.
 */
export function placeOf(path: string): string | undefined {
  if (PLACES[path] !== undefined) return PLACES[path];
  return path.startsWith("docs/") && path.endsWith(".md") ? path.slice("docs/".length) : undefined;
}

/** Where the text of a file of the repository is shown, which is no document: an example, a test. */
export function sourcePlaceOf(path: string): string {
  return `source/${path === "" ? "repository" : path.replaceAll(".", "-")}.md`;
}

/** What a document needs that is not in it. */
export interface Wanted {
  /** Files and folders that it links to. */
  readonly sources: Set<string>;
  /** Pictures that it shows. */
  readonly pictures: Set<string>;
}

/**
 * Turns the links of a document into those of its page.
 *
 * @param path The document's path from the root of the repository.
 * @param text The document.
 * @param wanted Is told what the page needs beside it.
 * @param drawings The text of drawings by path: those are part of the page, so that they follow its colours.
 */
export function toPage(
  path: string,
  text: string,
  wanted: Wanted,
  drawings: ReadonlyMap<string, string> = new Map(),
): string {
  const place = placeOf(path) ?? sourcePlaceOf(path);
  const rewrite = (part: string): string =>
    part.replaceAll(LINK, (whole, mark: string, label: string, target: string) => {
      if (/^(https?:|mailto:|#)/.test(target)) return whole;
      const [file = "", anchor] = target.split("#");
      const wantedPath = posix.normalize(posix.join(posix.dirname(path), file)).replace(/\/$/, "");
      if (mark === "!") {
        const drawing = drawings.get(wantedPath);
        if (drawing !== undefined) return inline(drawing, label);
        wanted.pictures.add(wantedPath);
        return `![${label}](/${wantedPath})`;
      }
      const to = placeOf(wantedPath);
      if (to === undefined) wanted.sources.add(wantedPath);
      const relative = posix.relative(posix.dirname(place), to ?? sourcePlaceOf(wantedPath));
      return `[${rewrite(label)}](./${relative}${anchor === undefined ? "" : `#${anchor}`})`;
    });
  return outsideCode(text, rewrite);
}

/** Changes what of a document is no code. */
function outsideCode(text: string, change: (part: string) => string): string {
  let page = "";
  let end = 0;
  for (const { 0: code, index } of text.matchAll(CODE)) {
    page += change(text.slice(end, index)) + code;
    end = index + code.length;
  }
  return page + change(text.slice(end));
}

/** A drawing as a part of a page; its own colours give way to those of the page. */
function inline(svg: string, label: string): string {
  const name = label.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return svg.replace(/<\?xml.*?\?>/s, "").replace(/<style>.*?<\/style>/s, "").replace(/\s*\n\s*/g, " ").trim()
    .replace("<svg", `<svg class="drawing" role="img" aria-label="${name}"`);
}

/** The title of a document: its first heading. */
export function titleOf(text: string): string {
  return text.match(/^# (.*)$/m)?.[1]?.replaceAll("`", "") ?? "";
}

/** What a document is about: its first paragraph, on one line, without marks. */
export function summaryOf(text: string): string {
  const [, body = ""] = text.split(/^# .*$/m);
  const paragraphs = body.replaceAll(/^```.*?^```$/gms, "").trim().split(/\n{2,}/);
  const first = paragraphs.find((part) => /^[\p{L}`*]/u.test(part)) ?? "";
  const plain = first.replaceAll(LINK, "$2").replaceAll(/[*`]/g, "").replaceAll(/\s+/g, " ");
  return plain.match(/^.{20,}?[.:](?= |$)/)?.[0].replace(/:$/, ".") ?? plain;
}

/**
 * The anchor of a heading, as GitHub makes it: the documents are read there too.
 *
 * @param heading The heading, without its marks.
 */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}
