import { assert, assertEquals, assertRejects } from "@std/assert";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { LibraryError, loadLibraries, loadLibrary } from "../../../adapters/kit/library.ts";
import { redisFailure } from "../../../adapters/kit/redis/errors.ts";
import { test } from "../../harness.ts";

const ADAPTERS = new URL("../../../adapters/", import.meta.url).pathname;

test("adapters: a library that is not installed is one clear error that says what to do", async () => {
  const load = () => loadLibrary("ioredis", "pass `client`", () => Promise.reject(new Error("not found")));
  const error = await assertRejects(
    load,
    LibraryError,
    "Cannot import `ioredis` (not found). Install it (`deno add npm:ioredis`, `bun add ioredis`) or pass `client`.",
  );
  assertEquals((error.cause as Error).message, "not found");
  assertEquals(redisFailure(error, "Redis at a:1", []), { kind: "refused", error });
});

test("adapters: libraries that are needed together are missed together, and one command installs them", async () => {
  const missing = (name: string) =>
    loadLibrary(name, "pass `node`", () => Promise.reject(new Error(`no ${name}`)));
  const there = loadLibrary("c", "pass `node`", () => Promise.resolve({ c: 3 }));
  assertEquals(await loadLibraries([there, there]), [{ c: 3 }, { c: 3 }]);
  await assertRejects(
    () => loadLibraries([missing("a"), there, missing("b")]),
    LibraryError,
    "Cannot import `a` and `b` (no a). Install them (`deno add npm:a npm:b`, `bun add a b`) or pass `node`.",
  );
  await assertRejects(() => loadLibraries([there, missing("b")]), LibraryError, "Cannot import `b` (no b).");
  const denied = loadLibrary("d", "", () => Promise.reject(new Error("Requires env access")));
  await assertRejects(() => loadLibraries([denied, missing("a")]), LibraryError, "lacks the permission");
});

test("adapters: a library that may not be loaded here says why: Deno names the permission that it lacks", async () => {
  const denied = "Requires env access, run again with the --allow-env flag";
  for (const said of [denied, `Failed to load addon.node: NotCapable: ${denied}`]) {
    const error = await assertRejects(
      () =>
        loadLibrary("ioredis", "pass `client`", () => Promise.reject(new Error(`${said}\n  at somewhere`))),
      LibraryError,
      `Cannot import \`ioredis\`: this process lacks the permission (${said})`,
    );
    assert(!error.message.includes("Install"), error.message);
  }
});

test("adapters: importing one loads the library of none: only types are imported up front", async () => {
  const files = (await readdir(ADAPTERS, { recursive: true })).filter((name) => name.endsWith(".ts"));
  assert(files.length > 40);
  const found: string[] = [];
  for (const file of files) {
    const source = await readFile(join(ADAPTERS, file), "utf8");
    for (
      const [statement, specifier] of source.matchAll(/^(?:import|export)\b[^;]*?from "([^"./][^"]*)";/gm)
    ) {
      const isOurs = specifier!.startsWith("node:");
      if (!isOurs && !/^(import|export) type\b/.test(statement)) found.push(`${file}: ${specifier}`);
    }
  }
  assertEquals(found, []);
});
