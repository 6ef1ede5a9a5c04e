import { assert } from "@std/assert";
import { adapterConformance, type ConformanceCase } from "@trunkline/hub/conformance";
import type { Adapter } from "@trunkline/hub/adapters/adapter";
import { test } from "../harness.ts";
import { blocksOf, createFolder, readDocument } from "./markdown.ts";

/** The blocks that are whole files; the others are parts of an application. */
const files = blocksOf(await readDocument("docs/adapters.md")).filter(({ named }) => named);

interface MyAdapter {
  createMyAdapter(options: { engine: Map<string, never>; prefix: string }): Adapter;
}

async function pass(cases: readonly ConformanceCase[]): Promise<void> {
  for (const { name, skip, run } of cases) {
    if (skip === undefined) await run().catch((cause) => assert(false, `${name}: ${cause}`));
  }
}

test("the skeleton of an adapter in the documents passes the conformance suite", async () => {
  await using folder = await createFolder();
  for (const { name, code } of files) await folder.write(name, code);
  const { createMyAdapter } = await folder.run("my_adapter.ts") as unknown as MyAdapter;
  const engine = new Map<string, never>();
  await pass(adapterConformance({ create: ({ prefix }) => createMyAdapter({ engine, prefix }) }));
}, { timeoutMs: 60_000 });

test("the suites for stores and transports run as the documents say", async () => {
  await using folder = await createFolder();
  for (const { name, code } of files) await folder.write(name, code);
  const { cases } = await folder.run("suites.ts") as unknown as { cases: readonly ConformanceCase[] };
  assert(cases.length > 30, "both suites are there");
  await pass(cases);
}, { timeoutMs: 60_000 });
