import { assertEquals } from "@std/assert";
import { crowdedFolders, fileProblems } from "../../tools/check_files.ts";
import { importCycles } from "../../tools/import_cycles.ts";
import { test } from "../harness.ts";

// In parts, so that this file does not contain what it tests for.
const ONLY = ".on" + "ly";
const HOST = ["registry", "npmjs", "org"].join(".");
const HOME = "/ho" + "me";

test("a file of 400 lines is fine, one of 401 is not", () => {
  assertEquals(fileProblems("hub/rooms.ts", "x;\n".repeat(400)), []);
  assertEquals(fileProblems("hub/rooms.ts", "x;\n".repeat(401)).length, 1);
  assertEquals(fileProblems("deno.lock", "x\n".repeat(401)), []);
});

test("a test that hides the others is reported with its place", () => {
  assertEquals(fileProblems("tests/a_test.ts", `\nDeno.test${ONLY}(f);\n`), [
    `tests/a_test.ts:2 runs one test and hides the others: Deno.test${ONLY}(f);`,
  ]);
});

test("hosts of registries and paths of one machine are reported in any file", () => {
  for (const text of [`https://${HOST}/hono`, `see ${HOME}/me/x`, `"${HOME}/me"`]) {
    assertEquals(fileProblems("docs/guide.md", text).length, 1, text);
  }
});

test("published code has no syntax that its oldest platforms cannot read; its comments and the tests may have it", () => {
  for (const text of ["  await using visit = open();", "using a = b;", "for (using a = b;;) c();"]) {
    assertEquals(fileProblems("adapters/nats/x.ts", text).length, 1, text);
    assertEquals(fileProblems("tests/nats/x.ts", text), [], text);
    assertEquals(fileProblems("adapters/nats/x.ts", ` * ${text}`), [], text);
  }
});

test("ordinary text is not reported", () => {
  for (
    const text of ["a homework/list", "hub/rooms.ts", "options.onlyOnce()", "the npm registry", "./home/page"]
  ) {
    assertEquals(fileProblems("docs/guide.md", text), [], text);
  }
});

test("an import cycle is reported once, as the way back to its start", () => {
  const edges = new Map([["main", ["a", "c"]], ["a", ["b"]], ["b", ["c"]], ["c", ["a"]]]);
  assertEquals(importCycles(edges), [["a", "b", "c", "a"]]);
  assertEquals(importCycles(new Map([["a", ["a"]]])), [["a", "a"]]);
});

test("two ways to one module are not a cycle", () => {
  assertEquals(importCycles(new Map([["main", ["a", "b"]], ["a", ["c"]], ["b", ["c"]], ["c", []]])), []);
});

test("a folder of published code that holds more than 18 files is reported, its folders apart", () => {
  const files = (folder: string, count: number) =>
    Array.from({ length: count }, (_, i) => `${folder}/f${i}.ts`);
  assertEquals(
    crowdedFolders([...files("hub/nodes", 18), ...files("hub/nodes/kit", 18), ...files("tests/hub", 40)]),
    [],
  );
  assertEquals(crowdedFolders(files("hub/nodes", 19)), ["hub/nodes holds 19 files, more than 18: part it"]);
});
