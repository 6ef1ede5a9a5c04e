import { assertEquals } from "@std/assert";
import type { StoredPage } from "@trunkline/hub/adapters/history-store";
import type { Position } from "../../contract/mod.ts";
import { SharedReads } from "../../hub/topics/shared_reads.ts";
import { test } from "../harness.ts";
import { microtasks } from "../hub/wires.ts";

/** Reads that are answered by hand, in the order in which they began. */
function scene() {
  const began: { readonly since: Position; answer(page: StoredPage): void }[] = [];
  const reads = new SharedReads({
    known: () => undefined,
    read: (since) => new Promise((answer) => began.push({ since, answer })),
    pageSize: (limit) => limit,
  });
  const answers: Record<string, StoredPage> = {};
  const ask = async (name: string, since: Position) => {
    answers[name] = await reads.read(since, 10);
  };
  return { began, ask, answers };
}

const lost = (...position: Position): StoredPage => ({ position, complete: false, records: [] });

test("shared reads: a page that was read before a client asked does not end the client's epoch, which may be newer", async () => {
  const { began, ask, answers } = scene();
  void ask("a", ["old", 1]);
  void ask("b", ["old", 50]); // both that may run at once
  void ask("newer", ["new", 3]);
  void ask("same", ["old", 2]);
  began[0]!.answer(lost("middle", 9));
  await microtasks();
  assertEquals(Object.keys(answers).sort(), ["a", "same"], "no later read finds the epoch of this one again");
  assertEquals(began.map(({ since }) => since), [["old", 1], ["old", 50], ["new", 3]]);
  began[2]!.answer({ position: ["new", 3], complete: true, records: [] });
  await microtasks();
  assertEquals(answers.newer, { position: ["new", 3], complete: true, records: [] });
});

test("shared reads: one read tells all clients of old epochs that asked before it", async () => {
  const { began, ask, answers } = scene();
  void ask("a", ["old", 1]);
  void ask("b", ["old", 50]);
  for (let i = 0; i < 100; i++) void ask(`client ${i}`, [`epoch ${i}`, i]);
  for (const page of [lost("new", 9), lost("new", 10)]) {
    began.shift()!.answer(page);
    began.shift()!.answer(page);
    await microtasks();
  }
  assertEquals([Object.keys(answers).length, began.length], [102, 0]);
});
