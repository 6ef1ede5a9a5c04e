import { assertEquals } from "@std/assert";
import { runtime, test } from "../harness.ts";
import { Program } from "./program.ts";

const TIMEOUT = { timeoutMs: 60_000 };

/** What an example prints until it ends: everything, or only what is no error and no warning. */
async function run(args: readonly string[], part: "output" | "stdout"): Promise<string> {
  await using program = new Program(runtime === "deno" ? ["run", "--quiet", "--allow-all", ...args] : args);
  const ended = await program.ended();
  assertEquals(ended.code, 0, ended.output);
  return ended[part];
}

/** The output of each recipe. There is no warning in it, such as that of a timer that is too long. */
const RECIPES: Readonly<Record<string, string>> = {
  ai_stream: "You asked: who are you?\n",
  auth: "The page belongs to ann\nThe program belongs to bob\n" +
    "The stranger gets the code UNAUTHENTICATED\n".repeat(2) + "The page gets the code DISCONNECTED\n",
  "chat/main": `ann reads: bob: is anybody here?
ann sees: ann, bob
bob types
bob was removed by ann, and says something: FORBIDDEN
bob comes back: OK
eve comes back: FORBIDDEN
eve, later: OK
bob as an admin: FORBIDDEN
`,
  files: "200000 bytes have arrived\n",
  typing: "ann types at 12, 40\n",
};

test("recipes: each does as its page says", async () => {
  const names = Object.keys(RECIPES);
  const printed = await Promise.all(names.map((name) => run([`examples/recipes/${name}.ts`], "output")));
  assertEquals(Object.fromEntries(names.map((name, index) => [name, printed[index]])), RECIPES);
}, TIMEOUT);

if (runtime === "deno") {
  test(
    "frameworks: React in StrictMode, Vue and Svelte show published values, and Next does not connect on its server",
    async () => {
      assertEquals(
        await run(
          ["--check", "--config", "examples/frameworks/deno.json", "examples/frameworks/main.tsx"],
          "stdout",
        ),
        `Next, on its server: <main><h1>Tea</h1><p aria-busy="true">…</p></main>
React, in StrictMode: 1 connection, 1 subscription
React, a chat: ann: hello; bob: hi; Removed by ann
Vue: 4 €
Svelte: 4 €
`,
      );
    },
    { timeoutMs: 120_000 },
  );
} else test.skip("frameworks: React, Vue and Svelte", "their packages are those of Deno's project");
