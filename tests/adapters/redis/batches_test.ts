import { assertEquals, assertRejects } from "@std/assert";
import { systemClock } from "../../../contract/mod.ts";
import { test, waitFor } from "../../harness.ts";
import { microtasks } from "../../hub/wires.ts";
import { NOSCRIPT, SCRIPT, scriptedWrites } from "./scripted_writes.ts";

test("batches: the commands of many clients in one turn are one write", async () => {
  const { sent, run } = scriptedWrites({ clock: systemClock });
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
  const { sent, run } = scriptedWrites();
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
  const { sent, run } = scriptedWrites();
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

test("batches: calls that ask the same of different keys share commands, and each gets its own answer", async () => {
  const { sent, run, ask } = scriptedWrites();
  const done = [ask(0, "a"), run("x", "1"), ask(0, "b"), ask(0, "c"), ask(0, "d"), ask(1, "e")];
  await microtasks();
  const of = (...keys: string[]) => ["EVALSHA", SCRIPT.sha, `${keys.length}`, ...keys, "last"];
  const [first, other] = sent;
  assertEquals(first!.commands, [
    ["EVALSHA", SCRIPT.sha, "0", "1"],
    of("shared", "a", "b", "c"),
    of("shared", "d"),
  ], "a command has no more keys than the question allows, and comes after the calls of its turn");
  assertEquals(other!.commands, [of("shared", "e")], "the keys of another part may be on another server");
  first!.answer("1", ["A", "B", "C"], ["D"]);
  other!.answer(["E"]);
  assertEquals(await Promise.all(done), ["A", "1", "B", "C", "D", "E"]);
});

test("batches: questions whose script is unknown are asked again", async () => {
  const { sent, ask } = scriptedWrites();
  const done = [ask(0, "a"), ask(0, "b")];
  await microtasks();
  sent[0]!.answer(NOSCRIPT);
  await microtasks();
  assertEquals(sent[1]!.commands, [["EVAL", SCRIPT.text, "3", "shared", "a", "b", "last"]]);
  sent[1]!.answer(["A", "B"]);
  assertEquals(await Promise.all(done), ["A", "B"]);
});

test("batches: a command that fails rejects its own questions, and no others", async () => {
  const { sent, ask } = scriptedWrites();
  const done = ["a", "b", "c", "d"].map((key) => ask(0, key));
  await microtasks();
  sent[0]!.answer(new Error("ERR broken"), ["D"]);
  const results = await Promise.allSettled(done);
  assertEquals(results.map(({ status }) => status), ["rejected", "rejected", "rejected", "fulfilled"]);
  assertEquals(await done[3], "D");
});
