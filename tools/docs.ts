/**
 * `deno task docs`: builds the documentation site, and serves it.
 *
 * @module
 */

import { join } from "node:path";
import { parseArgs } from "node:util";
import manifest from "../deno.json" with { type: "json" };
import { layOut, readSite, type Site, writeFiles } from "./docs/assemble.ts";
import { textsForModels } from "./docs/llms.ts";
import { fillSamples } from "./docs/samples.ts";
import { serveFolder } from "./docs/serve_folder.ts";
import { exists, listFiles, ROOT } from "./files.ts";
import { capture } from "./process.ts";

const HELP = `Usage: deno task docs [options]

Builds the site of the documents, and serves it on 127.0.0.1.

  --build       only builds: into .tmp/site/src/.vitepress/dist
  --port N      where to serve; 8080 by default, 0 for any free port
  --fill        puts the examples into the pages that show them, and builds nothing
  --base PATH   where the site will be on its server; / by default
`;

const { values } = parseArgs({
  options: {
    build: { type: "boolean", default: false },
    fill: { type: "boolean", default: false },
    port: { type: "string", default: "8080" },
    base: { type: "string", default: "/" },
    help: { type: "boolean", default: false },
  },
});
if (values.help) {
  console.log(HELP);
  Deno.exit();
}

if (values.fill) {
  const documents = (await listFiles("docs")).filter((path) => path.endsWith(".md"));
  for (const path of documents) {
    const text = await Deno.readTextFile(join(ROOT, path));
    const filled = fillSamples(text, (file) => Deno.readTextFileSync(join(ROOT, file)));
    if (filled !== text) await Deno.writeTextFile(join(ROOT, path), filled);
  }
  Deno.exit();
}

/** The project of the site. It has its own packages, which no other task fetches. */
const PROJECT = join(ROOT, ".tmp/site");
const PAGES = join(PROJECT, "src");
const SETTINGS = join(ROOT, "tools/docs/site");

/** Writes the project, without its pages. */
async function writeProject(site: Site): Promise<void> {
  await Deno.mkdir(join(PAGES, ".vitepress/theme"), { recursive: true });
  await Deno.mkdir(join(PAGES, "public"), { recursive: true });
  for (const file of ["deno.json", "deno.lock"]) {
    if (await exists(join(SETTINGS, file))) await Deno.copyFile(join(SETTINGS, file), join(PROJECT, file));
  }
  const settings = "../../../../tools/docs/site";
  await Deno.writeTextFile(
    join(PAGES, ".vitepress/config.ts"),
    `export { default } from "${settings}/config.ts";\n`,
  );
  await Deno.writeTextFile(
    join(PAGES, ".vitepress/theme/index.ts"),
    `import "../${settings}/style.css";\nexport { default } from "vitepress/theme-without-fonts";\n`,
  );
  const sidebar = site.sections.map(({ title, pages }) => ({
    text: title,
    collapsed: title !== "Start", // the section of the open page opens by itself
    items: pages.map(({ title, place }) => ({ text: title, link: `/${place.replace(/\.md$/, "")}` })),
  }));
  await Deno.writeTextFile(join(PROJECT, "site.json"), JSON.stringify({ sidebar }));
}

/** Runs a command of Deno. If it fails, prints its output and ends. */
async function deno(what: string, args: readonly string[], cwd: string = ROOT): Promise<void> {
  const { code, output } = await capture([Deno.execPath(), ...args], cwd);
  if (code === 0) return;
  console.error(output);
  console.error(`Cannot ${what}: see above`);
  Deno.exit(1);
}

const entries = [...new Set(Object.values(manifest.exports))];
const site = await readSite();
await writeProject(site);
const files = await layOut(site);
files.set("public/icon.svg", await Deno.readTextFile(join(ROOT, "examples/demo/page/icon.svg")));
await writeFiles(PAGES, files);
console.log(`${files.size} files of pages and pictures`);

await deno("make the reference", [
  "doc",
  "--html",
  "--name=Trunkline",
  `--output=${join(PAGES, "public/api")}`,
  ...entries,
]);
console.log("The reference is built");

const locked = await exists(join(SETTINGS, "deno.lock"));
await deno("fetch what builds the site", ["install", "--quiet", ...(locked ? ["--frozen"] : [])], PROJECT);
if (!locked) await Deno.copyFile(join(PROJECT, "deno.lock"), join(SETTINGS, "deno.lock"));
Deno.env.set("DOCS_BASE", values.base);
await deno("build the site", ["run", "--allow-all", "npm:vitepress@^1", "build", "src"], PROJECT);
const built = join(PAGES, ".vitepress/dist");
for (const [path, text] of textsForModels(site, files)) {
  await Deno.writeTextFile(join(built, path), `${text}`);
}
console.log(`Built: ${built}`);
if (!values.build) {
  const { port } = serveFolder(built, Number(values.port));
  console.log(`Open http://127.0.0.1:${port}${values.base}`);
}
