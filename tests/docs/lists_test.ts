import { assertEquals } from "@std/assert";
import { CLOSE_CODES } from "@trunkline/hub";
import { test } from "../harness.ts";
import { readDocument } from "./markdown.ts";

/** The names in code in the first cells of the tables under a heading of a document. */
async function rowsOf(path: string, heading?: string): Promise<string[]> {
  const text = await readDocument(path);
  const section = heading === undefined ? text : text.split(`\n## ${heading}\n`)[1]!.split("\n## ")[0]!;
  const rows = section.replace(/^\|.*\n\| ---.*$/gm, ""); // without the heads of tables
  return Array.from(rows.matchAll(/^\| (`[^|]+)\|/gm), ([, cell]) => cell!)
    .flatMap((cell) => Array.from(cell.matchAll(/`"?([\w-]+)"?`/g), ([, name]) => name!)).sort();
}

/** The properties of an interface, without those of its properties. */
async function propertiesOf(path: string, name: string): Promise<string[]> {
  const [, body = ""] = (await readDocument(path))
    .match(new RegExp(`^export interface ${name} \\{\n(.*?)^\\}`, "ms")) ?? [];
  return Array.from(body.matchAll(/^ {2}readonly "?([\w-]+)"?\??:/gm), ([, property]) => property!).sort();
}

/** The texts in a union of texts. */
async function unionOf(path: string, name: string): Promise<string[]> {
  const [, body = ""] = (await readDocument(path))
    .match(new RegExp(`^export type ${name} =(.*?);`, "ms")) ?? [];
  return Array.from(body.matchAll(/"([\w-]+)"/g), ([, text]) => text!);
}

test("the page on operations lists every count of hub.stats()", async () => {
  assertEquals(
    await rowsOf("docs/operations.md", "What to watch"),
    await propertiesOf("hub/api/stats.ts", "HubStats"),
  );
});

test("the page on operations lists every reason for which a hub refuses clients", async () => {
  assertEquals(
    await rowsOf("docs/operations.md", "Refused clients"),
    await propertiesOf("hub/api/refusals.ts", "RefusalCounts"),
  );
});

test("the guide lists every reason for which a node is missing, and every stage of an error", async () => {
  const reasons = await unionOf("hub/api/cluster.ts", "MissingReason");
  assertEquals(await rowsOf("docs/guide/cluster.md"), reasons.sort());
  const stages = await Promise.all([
    unionOf("adapters/adapter.ts", "AdapterStage"),
    unionOf("hub/api/options.ts", "HubErrorStage"),
  ]);
  assertEquals(await rowsOf("docs/guide/errors.md"), stages.flat().sort());
});

test("the page on troubleshooting lists every close code", async () => {
  const text = await readDocument("docs/troubleshooting.md");
  const listed = Array.from(text.matchAll(/^\| (4\d{3})\b/gm), ([, code]) => Number(code));
  assertEquals(listed.sort(), Object.values(CLOSE_CODES).sort());
});
