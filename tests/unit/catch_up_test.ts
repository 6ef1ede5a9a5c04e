import { assertEquals } from "@std/assert";
import { catchUp, type CatchUpOptions } from "../../hub/session/catch_up.ts";
import { test } from "../harness.ts";

/** Catches up a client with the given position on a node that has delivered up to 3, while the store has up to 20. */
async function answerTo(since: readonly [string, number]): Promise<unknown[]> {
  const finished: unknown[] = [];
  await catchUp({
    topic: { name: "t" },
    start: { since },
    histories: {
      position: () => ["e", 3],
      follow() {},
      resume: () => ({ position: ["e", 20], complete: false, records: [] }),
    },
    permits: { take() {}, give() {} },
    reads: { take() {}, leave() {} },
    isOver: () => false,
    finish: (answer: unknown) => finished.push(answer),
  } as unknown as CatchUpOptions);
  return finished;
}

test("catch up: a client that is ahead of its node, and has missed messages, goes on from its own position (promise 3)", async () => {
  assertEquals(await answerTo(["e", 5]), [{ position: ["e", 5], recovered: false }]);
  assertEquals(await answerTo(["e", 2]), [{ position: ["e", 3], recovered: false }]);
  assertEquals(
    await answerTo(["d", 9]),
    [{ position: ["e", 20], recovered: false }],
    "it may have all of them",
  );
  assertEquals(
    await answerTo(["e", 21]),
    [{ position: ["e", 3], recovered: false }],
    "the store knows better",
  );
});
