import { assertEquals } from "@std/assert";
import { runtime, test } from "../harness.ts";
import { Program } from "./program.ts";

const TIMEOUT = { timeoutMs: 60_000 };

/** The output of an example until it ends. */
async function run(...args: string[]): Promise<string> {
  await using program = new Program(runtime === "deno" ? ["run", "--allow-all", ...args] : args);
  const { code, stdout, output } = await program.ended();
  assertEquals(code, 0, output);
  return stdout;
}

/** The output of each recipe. */
const RECIPES: Readonly<Record<string, string>> = {
  ai_stream: "You asked: who are you?\n",
  auth: "The page belongs to ann\nThe program belongs to bob\n" +
    "The stranger gets the code UNAUTHENTICATED\nThe page gets the code DISCONNECTED\n",
  files: "200000 bytes have arrived\n",
  typing: "ann types at 12, 40\n",
};

test("recipes: each does as its page says", async () => {
  const names = Object.keys(RECIPES);
  const printed = await Promise.all(names.map((name) => run(`examples/recipes/${name}.ts`)));
  assertEquals(Object.fromEntries(names.map((name, index) => [name, printed[index]])), RECIPES);
}, TIMEOUT);

if (runtime === "deno") {
  test(
    "frameworks: React in StrictMode, Vue and Svelte show published values, and Next does not connect on its server",
    async () => {
      assertEquals(
        await run("--check", "--config", "examples/frameworks/deno.json", "examples/frameworks/main.tsx"),
        `Next, on its server: <main><h1>Tea</h1><p aria-busy="true">…</p></main>
React, in StrictMode: 1 connection, 1 subscription
Vue: 4 €
Svelte: 4 €
`,
      );
    },
    { timeoutMs: 120_000 },
  );
} else test.skip("frameworks: React, Vue and Svelte", "their packages are those of Deno's project");
