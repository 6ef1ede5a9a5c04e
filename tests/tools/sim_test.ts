import { assert, assertEquals } from "@std/assert";
import { capture } from "../../tools/process.ts";
import { findRuntime } from "../../tools/testing/runtimes.ts";
import { test } from "../harness.ts";

const bun = await findRuntime("bun");
const sim = (...args: string[]) => capture([Deno.execPath(), "task", "--quiet", "sim", ...args]);

if (bun) {
  test("a seed of the simulation is the same run on Deno and on Bun", async () => {
    const script = "tests/sim/print_traces.ts";
    const onDeno = await capture([Deno.execPath(), "run", "--allow-all", script]);
    assertEquals(onDeno.code, 0, onDeno.output);
    assertEquals((await capture([...bun, script])).output, onDeno.output);
  }, { timeoutMs: 120_000 });
} else {
  test.skip(
    "a seed of the simulation is the same run on Deno and on Bun",
    "neither bun nor npx is on the PATH",
  );
}

test("deno task sim runs a seed, lists its faults and draws it", async () => {
  const file = await Deno.makeTempFile({ suffix: ".svg" });
  try {
    const { code, output } = await sim("--seed", "7", "--nodes", "6", "--network", "hostile", "--svg", file);
    assertEquals(code, 0, output);
    assert(output.includes("on 6 nodes of the hostile network: all views are true"), output);
    assert(output.includes(`Drawn in ${file}`), output);
    assert((await Deno.readTextFile(file)).startsWith("<svg"));
  } finally {
    await Deno.remove(file);
  }
});

test("deno task sim runs many seeds and prints the result of all of them", async () => {
  const { code, output } = await sim("--seeds", "1..20");
  assertEquals(code, 0, output);
  assert(/membership: 20 runs, \d+ nodes, \d+ faults, .* 0 violations, in/.test(output), output);
});

for (
  const [args, what] of [
    [[], "Give --seed N or --seeds FROM..TO"],
    [["--seed", "x"], '--seed takes a whole number, not "x"'],
    [["--seed", "1", "--system", "weather"], "--system is one of membership"],
    [["--seed", "1", "--nodes", "1000"], "--nodes is 2 to 100, not 1000"],
    [["--seed", "1", "--network", "kind"], '--network is adapter or hostile, not "kind"'],
    [["--seeds", "1-9"], '--seeds takes FROM..TO, not "1-9"'],
  ] as const
) {
  test(`deno task sim ${args.join(" ")} says what to give`, async () => {
    const { code, output } = await sim(...args);
    assertEquals(code, 1);
    assert(output.includes(what), output);
  });
}
