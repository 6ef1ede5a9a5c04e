import { assertMatch } from "@std/assert";
import { Program } from "../examples/program.ts";
import { runtime, test } from "../harness.ts";

const COMPARED = "bench: two checkouts are compared by the ratios of pairs of runs";
if (runtime === "bun") test.skip(COMPARED, "the command runs on Deno");
else {
  test(COMPARED, async () => {
    const flags = ["requests", "--pairs", "1", "--runtime", "deno"];
    await using program = new Program(["run", "--allow-all", "bench/against.ts", ".", ...flags]);
    const [line] = await program.printed(/requests \(deno\): per CPU second .*/, 240_000);
    assertMatch(line, /^requests \(deno\): per CPU second \d+\.\d\d × \(\d+\.\d\d–\d+\.\d\d\), 1 pair$/);
  }, { timeoutMs: 300_000 });
}
