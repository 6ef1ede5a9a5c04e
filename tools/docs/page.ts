/**
 * Turns documents of the repository into pages of the site: decides their paths, and rewrites their links.
 *
 * @module
 */

import { posix } from "node:path";

/** Documents whose path on the site differs from their path in the repository. */
const PLACES: Readonly<Record<string, string>> = {
  "README.md": "index.md",
  "SECURITY.md": "security.md",
  "CONTRIBUTING.md": "contributing.md",
  "CODE_OF_CONDUCT.md": "code-of-conduct.md",
  "CHANGELOG.md": "changelog.md",
  "bench/README.md": "benchmarks.md",
  "examples/README.md": "examples.md",
};

/** Fenced code, which stays as it is. */
const CODE = /^ *(`{3,}).*?^ *\1`*$/gms;
const LINK = /(!?)\[((?:[^\]\\\n]|\\.|!\[[^\]\n]*\]\([^)\s]+\))*)\]\(([^)\s]+)\)/g;

/**
 * The path of a document on the site.
 *
 * @param path Its path from the root of the repository.
 * @returns Its path from the root of the site; `undefined` if it has no own page.
 */
export function placeOf(path: string): string | undefined {
  if (PLACES[path] !== undefined) return PLACES[path];
  return path.startsWith("docs/") && path.endsWith(".md") ? path.slice("docs/".length) : undefined;
}

/** The path of the page that shows the text of another file: an example or a test. */
export function sourcePlaceOf(path: string): string {
  return `source/${path === "" ? "repository" : path.replaceAll(".", "-")}.md`;
}

/** The files that a page needs in addition to its document. */
export interface Wanted {
  /** Files and folders that it links to. */
  readonly sources: Set<string>;
  /** Pictures that it shows. */
  readonly pictures: Set<string>;
}

/**
 * Rewrites the links of a document for its page.
 *
 * @param path The document's path from the root of the repository.
 * @param text The document.
 * @param wanted Collects the files that the page needs.
 * @param drawings The texts of drawings by path. A drawing becomes part of the page, so that it uses the page's colours.
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

/** Changes the parts of a document that are not code. */
function outsideCode(text: string, change: (part: string) => string): string {
  let page = "";
  let end = 0;
  for (const { 0: code, index } of text.matchAll(CODE)) {
    page += change(text.slice(end, index)) + code;
    end = index + code.length;
  }
  return page + change(text.slice(end));
}

/** A drawing as part of a page, with the colours of the page instead of its own. */
function inline(svg: string, label: string): string {
  const name = label.replaceAll("&", "&amp;").replaceAll('"', "&quot;");
  return svg.replace(/<\?xml.*?\?>/s, "").replace(/<style>.*?<\/style>/s, "").replace(/\s*\n\s*/g, " ").trim()
    .replace("<svg", `<svg class="drawing" role="img" aria-label="${name}"`);
}

/** The title of a document: its first heading. */
export function titleOf(text: string): string {
  return text.match(/^# (.*)$/m)?.[1]?.replaceAll("`", "") ?? "";
}

/** The description of a document: its first paragraph, on one line, without marks. */
export function summaryOf(text: string): string {
  const [, body = ""] = text.split(/^# .*$/m);
  const paragraphs = body.replaceAll(/^```.*?^```$/gms, "").trim().split(/\n{2,}/);
  const first = paragraphs.find((part) => /^[\p{L}`*]/u.test(part)) ?? "";
  const plain = first.replaceAll(LINK, "$2").replaceAll(/[*`]/g, "").replaceAll(/\s+/g, " ");
  return plain.match(/^.{20,}?[.:](?= |$)/)?.[0].replace(/:$/, ".") ?? plain;
}

/**
 * The anchor of a heading, in the form of GitHub, because people read the documents there too.
 *
 * @param heading The heading, without its marks.
 */
export function anchorOf(heading: string): string {
  return heading.toLowerCase().replaceAll(/[^\p{L}\p{N} _-]/gu, "").replaceAll(" ", "-");
}
