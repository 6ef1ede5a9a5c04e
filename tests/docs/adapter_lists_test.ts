import { assertEquals } from "@std/assert";
import { readFile } from "node:fs/promises";
import { HELP as CLUSTER_HELP } from "../../examples/cluster/options.ts";
import { HELP as DEMO_HELP } from "../../examples/demo/options.ts";
import { test } from "../harness.ts";
import { readDocument } from "./markdown.ts";

const manifest = await readFile(new URL("../../deno.json", import.meta.url), "utf8");
const { exports } = JSON.parse(manifest) as { readonly exports: Readonly<Record<string, string>> };
/** Entries of the folder that are no adapters. */
const OTHERS = [
  "adapter",
  "history-store",
  "presence-store",
  "envelope",
  "memory-history",
  "memory-presence",
  "zeromq-proxy",
];
const adapters = Object.keys(exports).flatMap((path) => path.match(/^\.\/adapters\/(.+)/)?.[1] ?? [])
  .filter((name) => !OTHERS.includes(name));

/** Without case and marks: "node:cluster" and "node-cluster" are one. */
const plain = (text: string) => text.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
const missing = (text: string) => adapters.filter((name) => !plain(text).includes(plain(name)));
const rowOf = (text: string, start: string) => text.split("\n").find((line) => line.startsWith(start)) ?? "";

test("docs: every list of adapters is complete", async () => {
  const readme = await readDocument("README.md");
  const lists = {
    "what there is, in the README": rowOf(readme, "| Adapters:"),
    "backplanes, in the comparison": rowOf(await readDocument("docs/comparison.md"), "| Backplanes |"),
    "docs/adapters.md": await readDocument("docs/adapters.md"),
    "demo --help": DEMO_HELP,
    "cluster --help": CLUSTER_HELP,
  };
  for (const [list, text] of Object.entries(lists)) assertEquals(missing(text), [], list);
});
