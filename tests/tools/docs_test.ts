import { assert, assertEquals } from "@std/assert";
import { posix } from "node:path";
import { layOut, readSite } from "../../tools/docs/assemble.ts";
import { textsForModels } from "../../tools/docs/llms.ts";
import { anchorOf, summaryOf, toPage } from "../../tools/docs/page.ts";
import { serveFolder } from "../../tools/docs/serve_folder.ts";
import { samplesOf, shown } from "../../tools/docs/samples.ts";
import { listFiles } from "../../tools/files.ts";
import { test } from "../harness.ts";

test("docs: every document has its place on the site", async () => {
  const { home, sections } = await readSite();
  const shown = [home, ...sections.flatMap(({ pages }) => pages)];
  const documents = (await listFiles("docs")).filter((path) => path.endsWith(".md"));
  assertEquals(documents.filter((path) => !shown.some((page) => page.path === path)), []);
  for (const { path, title, summary } of shown) {
    assert(title && summary, `${path} has a title and says what it is about`);
  }
});

test("docs: every link of the site leads to a page of it, and every picture is there", async () => {
  const files = await layOut(await readSite());
  const broken: string[] = [];
  let links = 0;
  for (const [place, page] of files) {
    if (typeof page !== "string" || !place.endsWith(".md")) continue;
    const prose = page.replaceAll(/^ *(`{3,}).*?^ *\1`*$/gms, "").replaceAll(/`[^`\n]*`/g, "``");
    for (const [whole, mark, target = ""] of prose.matchAll(/(!?)\[[^\]\n]*\]\(([^)\s]+)\)/g)) {
      if (/^(https?:|mailto:|#|\/api\/)/.test(target)) continue;
      links++;
      const [file = "", anchor] = target.split("#");
      const to = mark ? `public${file}` : posix.normalize(posix.join(posix.dirname(place), file));
      const found = files.get(to);
      const headings = String(found ?? "").matchAll(/^#+ (.*)$/gm);
      const leads = found &&
        (!anchor || Array.from(headings, ([, heading]) => anchorOf(heading!)).includes(anchor));
      if (!leads) broken.push(`${place}: ${whole}`);
    }
  }
  assert(links > 100, "the links are there");
  assertEquals(broken, []);
});

test("docs: links to documents lead to their pages, others to pages that show the file, and code is left alone", () => {
  const wanted = { sources: new Set<string>(), pictures: new Set<string>() };
  const text = [
    "[a](../operations.md#origins), [`b`](../../examples/hono/), [c](#here), [d](https://a.example)",
    "![e](../demo.png)",
    "```md",
    "[f](../operations.md)",
    "```",
  ].join("\n");
  assertEquals(
    toPage("docs/guide/x.md", text, wanted),
    [
      "[a](./../operations.md#origins), [`b`](./../source/examples/hono.md), [c](#here), [d](https://a.example)",
      "![e](/docs/demo.png)",
      "```md",
      "[f](../operations.md)",
      "```",
    ].join("\n"),
  );
  assertEquals([[...wanted.sources], [...wanted.pictures]], [["examples/hono"], ["docs/demo.png"]]);
});

test("docs: a block that shows a file of the examples has its content", async () => {
  let samples = 0;
  for (const path of (await listFiles("docs")).filter((path) => path.endsWith(".md"))) {
    for (const { file, code } of samplesOf(await Deno.readTextFile(path))) {
      samples++;
      assertEquals(code, shown(await Deno.readTextFile(file)), `${path}: run deno task docs --fill`);
    }
  }
  assert(samples > 20, "the blocks are there");
});

test("docs: the index for language models names existing pages, and describes each", async () => {
  const site = await readSite();
  const texts = textsForModels(site, await layOut(site));
  const index = String(texts.get("llms.txt"));
  const lines = index.split("\n").filter((line) => line.startsWith("- "));
  assert(lines.length > 40, index);
  for (const line of lines) {
    const [, place, summary = ""] = line.match(/^- \[.+\]\((\S+\.md)\): (.+)$/) ?? [];
    assert(texts.has(place!) && summary.length > 15, line);
  }
  const full = String(texts.get("llms-full.txt"));
  for (const heading of ["# Define a contract", "# The wire protocol", "# React"]) {
    assert(full.includes(heading), heading);
  }
});

test("docs: a drawing is part of its page, with a name for screen readers", () => {
  const wanted = { sources: new Set<string>(), pictures: new Set<string>() };
  const drawings = new Map([[
    "docs/a.svg",
    "<svg viewBox='0 0 1 1'>\n<style>x { y: z }</style>\n<g/>\n</svg>",
  ]]);
  assertEquals(
    toPage("docs/x.md", '![a "b"](a.svg)', wanted, drawings),
    `<svg class="drawing" role="img" aria-label="a &quot;b&quot;" viewBox='0 0 1 1'> <g/> </svg>`,
  );
});

test("docs: a page is summed up by its first sentence", () => {
  assertEquals(
    summaryOf("# A\n\n- [b](c)\n\nA **hub** [is](d) one\nend of it. The other is\na client.\n"),
    "A hub is one end of it.",
  );
});

test("docs: the site is served by its addresses, and nothing beside it", async () => {
  const outer = await Deno.makeTempDir();
  await Deno.mkdir(`${outer}/site/guide`, { recursive: true });
  await Deno.writeTextFile(`${outer}/secret.txt`, "secret");
  await Deno.writeTextFile(`${outer}/site/index.html`, "home");
  await Deno.writeTextFile(`${outer}/site/guide/rooms.html`, "rooms");
  {
    await using server = serveFolder(`${outer}/site`, 0);
    const answers: unknown[] = [];
    for (const path of ["/", "/guide/rooms", "/guide/rooms.html", "/none", "/..%2fsecret.txt"]) {
      const answer = await fetch(`http://127.0.0.1:${server.port}${path}`);
      answers.push([answer.status, await answer.text()]);
    }
    assertEquals(answers, [
      [200, "home"],
      [200, "rooms"],
      [200, "rooms"],
      [404, "Not found"],
      [404, "Not found"],
    ]);
  }
  await Deno.remove(outer, { recursive: true });
});
