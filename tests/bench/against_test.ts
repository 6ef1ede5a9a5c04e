import { assert, assertEquals, assertMatch } from "@std/assert";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { Program } from "../examples/program.ts";
import { runtime, test, waitFor } from "../harness.ts";

const COMPARED = "bench: two checkouts are compared by the ratios of pairs of runs";
const ENDED = "bench: a comparison that is interrupted takes its server and its load client with it";

/** Compares this checkout with itself. */
const compare = (pairs: number) =>
  new Program([
    ...["run", "--allow-all", "bench/against.ts", "."],
    ...["requests", "--pairs", `${pairs}`, "--runtime", "deno"],
  ]);

/** The processes that a process has started. */
function childrenOf(parent: number): number[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => {
    try {
      // The name of the program, in brackets, may have spaces.
      return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ").at(-1)!.split(" ")[1]) === parent;
    } catch {
      return false; // it has ended meanwhile
    }
  }).map(Number);
}

if (runtime === "bun") {
  for (const title of [COMPARED, ENDED]) test.skip(title, "the command runs on Deno");
} else {
  test(COMPARED, async () => {
    await using program = compare(1);
    const [line] = await program.printed(/requests \(deno\): per CPU second .*/, 240_000);
    assertMatch(line, /^requests \(deno\): per CPU second \d+\.\d\d × \(\d+\.\d\d–\d+\.\d\d\), 1 pair$/);
  }, { timeoutMs: 300_000 });

  if (!existsSync("/proc/self/stat")) test.skip(ENDED, "needs /proc, to find the processes of a program");
  else {
    test(ENDED, async () => {
      await using program = compare(1_000);
      const children = await waitFor(
        () => {
          const pids = childrenOf(program.pid);
          return pids.length === 2 && pids;
        },
        { what: "the server and the load client", timeoutMs: 60_000 },
      );
      program.interrupt();
      const { code } = await program.ended();
      assertEquals(code, 130);
      await waitFor(() => children.every((pid) => !existsSync(`/proc/${pid}`)), { what: "their end" });
      assert(!program.output.includes("per CPU second"), "it was interrupted before its first line");
    }, { timeoutMs: 120_000 });
  }
}
