import { assertEquals, assertGreater } from "@std/assert";
import { spawn } from "node:child_process";
import { once } from "node:events";
import process from "node:process";
import { runtime, test } from "../harness.ts";
import { blocksOf, createFolder, readDocument, readGuide } from "./markdown.ts";

/**
 * Checks the types of files with Deno.
 *
 * @param paths The files.
 * @returns What is wrong with them; nothing when all is well.
 */
async function checkTypes(paths: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, ["check", "--quiet", ...paths], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let output = "";
  child.stderr.on("data", (chunk) => output += chunk);
  const [code] = await once(child, "close");
  return code === 0 ? "" : output || `deno check ended with ${code}`;
}

// All at once: reading the package's own types takes most of the time.
if (runtime === "deno") {
  test(
    "every block of the README, of the guide, of the page for assistants and every file of the page on adapters has the types that it needs",
    async () => {
      await using guide = await createFolder();
      await using readme = await createFolder();
      await using agents = await createFolder();
      await using adapters = await createFolder();
      const paths = await Promise.all([
        ...(await readGuide()).map(({ name, code }) => guide.write(name, code)),
        ...blocksOf(await readDocument("README.md")).map(({ name, code }) => readme.write(name, code)),
        ...blocksOf(await readDocument("AGENTS.md")).map(({ name, code }) => agents.write(name, code)),
        ...blocksOf(await readDocument("docs/adapters.md")).filter(({ named }) => named)
          .map(({ name, code }) => adapters.write(name, code)),
      ]);
      assertGreater(paths.length, 20, "the blocks are there");
      assertEquals(await checkTypes(paths), "");
    },
    { timeoutMs: 300_000 },
  );
} else test.skip("every block of the documents has the types that it needs", "Bun checks no types");
