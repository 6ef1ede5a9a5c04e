import { assertEquals, assertRejects } from "@std/assert";
import { Batches, type RedisCommand } from "../../../adapters/kit/redis/reach.ts";
import { script } from "../../../adapters/kit/redis/script.ts";
import { type Clock, systemClock } from "../../../contract/mod.ts";
import { microtaskClock } from "../../fake_clock.ts";
import { test, waitFor } from "../../harness.ts";
import { microtasks } from "../../hub/wires.ts";

const SCRIPT = script("return ARGV[1]");
const NOSCRIPT = new Error("NOSCRIPT No matching script");

/** Writes that are answered when the test says so. */
function writes(clock: Pick<Clock, "endOfTurn"> = microtaskClock) {
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
  }, clock);
  const run = (row: string, what: string) => batches.runPatiently(row, 0, SCRIPT, [], what);
  return { sent, run };
}

test("batches: the commands of many clients in one turn are one write", async () => {
  const { sent, run } = writes(systemClock);
  const done: Promise<unknown>[] = [];
  const names = ["1", "2", "3"];
  // Each is heard in a callback of its own, as messages of different links are.
  setTimeout(async () => {
    for (const name of names) {
      done.push(run(name, name));
      await microtasks();
    }
  });
  await waitFor(() => done.length === 3 && sent.length > 0, { what: "a write" });
  assertEquals(sent.map(({ names }) => names.length), [3]);
  sent[0]!.answer(...names);
  assertEquals(await Promise.all(done), names);
});

test("batches: calls while a script is unknown wait behind the repeated ones", async () => {
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

test("batches: a call that others of its row have overtaken is refused, and the others go on", async () => {
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
