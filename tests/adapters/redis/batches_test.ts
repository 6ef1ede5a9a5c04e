import { assertEquals, assertRejects } from "@std/assert";
import { Batches, type RedisCommand } from "../../../adapters/kit/redis/reach.ts";
import { script } from "../../../adapters/kit/redis/script.ts";
import { test } from "../../harness.ts";
import { microtasks } from "../../hub/wires.ts";

const SCRIPT = script("return ARGV[1]");
const NOSCRIPT = new Error("NOSCRIPT No matching script");

/** Writes that are answered when the test says so. */
function writes() {
  const sent: { readonly names: string[]; answer(...replies: unknown[]): void }[] = [];
  const batches = new Batches({
    partOf: () => 0,
    keysOf: () => "",
    run: (_part, commands: readonly RedisCommand[]) =>
      new Promise((resolve) =>
        sent.push({
          names: commands.map((command) => `${command[0]} ${command.at(-1)}`),
          answer: (...replies) => resolve(replies),
        })
      ),
    explain: (error) => error,
  });
  const run = (row: string, what: string) => batches.runPatiently(row, 0, SCRIPT, [], what);
  return { sent, run };
}

test("batches: what is called while a script is not known waits behind what is sent again", async () => {
  const { sent, run } = writes();
  const done = [run("x", "1")];
  await microtasks();
  done.push(run("x", "2"));
  await microtasks();
  sent[0]!.answer(NOSCRIPT);
  await microtasks();
  done.push(run("x", "3"));
  await microtasks();
  assertEquals(sent.length, 2, "nothing overtakes the first two");
  sent[1]!.answer(NOSCRIPT);
  await microtasks();
  assertEquals(sent[2]!.names, ["EVAL 1", "EVALSHA 2", "EVALSHA 3"]);
  sent[2]!.answer("1", "2", "3");
  assertEquals(await Promise.all(done), ["1", "2", "3"]);
});

test("batches: what others of its row have overtaken is refused, and others go on", async () => {
  const { sent, run } = writes();
  const late = run("x", "1"), other = run("y", "2"), next = run("x", "3");
  await microtasks();
  sent[0]!.answer(NOSCRIPT, NOSCRIPT, "3"); // another node has run the script meanwhile
  await assertRejects(() => late, Error, "TRYAGAIN");
  assertEquals(await next, "3");
  await microtasks();
  assertEquals(sent[1]!.names, ["EVAL 2"]);
  sent[1]!.answer("2");
  assertEquals(await other, "2");
});
