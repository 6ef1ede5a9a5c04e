import { assert, assertEquals } from "@std/assert";
import { capture } from "../../tools/process.ts";
import { test } from "../harness.ts";

for (
  const [args, what] of [
    [["--store", "paper"], '--store is one of redis, redis-cluster, nats, postgres, not "paper"'],
    [["--seconds", "soon"], '--seconds takes a whole number, not "soon"'],
    [["--runtime", "node"], '--runtime is deno or bun, not "node"'],
  ] as const
) {
  test(`deno task torture ${args.join(" ")} says what to give`, async () => {
    const { code, output } = await capture([Deno.execPath(), "task", "--quiet", "torture", ...args]);
    assertEquals(code, 1);
    assert(output.includes(what), output);
  });
}
