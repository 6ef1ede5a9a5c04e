/**
 * The configuration of VitePress. `tools/docs.ts` creates the pages.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import process from "node:process";
import { anchorOf } from "../page.ts";

/** Written by `tools/docs.ts` beside the folder of the pages. */
const { sidebar } = JSON.parse(readFileSync(`${process.cwd()}/site.json`, "utf8"));

export default {
  title: "Trunkline",
  description: "A typed realtime hub for Deno and Bun",
  lang: "en",
  base: process.env.DOCS_BASE ?? "/",
  head: [["link", { rel: "icon", type: "image/svg+xml", href: `${process.env.DOCS_BASE ?? "/"}icon.svg` }]],
  markdown: {
    anchor: { slugify: anchorOf },
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    languageAlias: { caddyfile: "nginx" },
  },
  ignoreDeadLinks: [/^(\.\/)?\/?api\//, /^https?:\/\/(localhost|127\.)/],
  themeConfig: {
    logo: "/icon.svg",
    search: { provider: "local" },
    outline: [2, 3],
    nav: [
      { text: "Start", link: "/start/deno", activeMatch: "^/start/" },
      { text: "Guide", link: "/guide", activeMatch: "^/guide" },
      { text: "Recipes", link: "/recipes/react", activeMatch: "^/recipes/" },
      { text: "Troubleshooting", link: "/troubleshooting" },
      { text: "API", link: "/api/index.html", target: "_blank" },
    ],
    sidebar,
    docFooter: { prev: "Before", next: "Next" },
  },
};
