import { assertEquals } from "@std/assert";
import type { Row } from "../../../adapters/postgres/connection.ts";
import { HistoryLink } from "../../../adapters/postgres/history/link.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";
import { microtasks } from "../../hub/wires.ts";

const ANSWER_MS = 1_000;

/** A link to a server that answers one statement after the other, when it is told to. */
async function scene() {
  const clock = new FakeClock();
  const waiting: (() => void)[] = [];
  let prepared = 0, downs = 0;
  const ask = (statement: string): Promise<readonly Row[]> => {
    if (!statement.startsWith("ask")) {
      return Promise.resolve([{ tables: "true", functions: "those of another" }]);
    }
    return new Promise((resolve) => waiting.push(() => resolve([{ statement }])));
  };
  const link = new HistoryLink({
    dialer: {
      address: "nowhere",
      secrets: [],
      connect: () =>
        Promise.resolve({ ask, listen: async () => {}, unlisten: async () => {}, destroy: async () => {} }),
    },
    clock,
    root: "r",
    schema: "s",
    createTables: false,
    connectTimeoutMs: ANSWER_MS,
    answerTimeoutMs: ANSWER_MS,
    lockTimeoutMs: ANSWER_MS,
    onUp: () => prepared++,
    onDown: () => downs++,
    onFailure: () => {},
  });
  await link.prepared();
  /** Lets time pass, in steps that a busy process would not be blamed for. */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 50) {
      clock.advance(50);
      await microtasks();
    }
  };
  return { link, pass, answer: () => waiting.shift()!(), counts: () => ({ prepared, downs }) };
}

test("postgres history: a statement that waits for others is not taken for one that is not answered", async () => {
  const { link, pass, answer, counts } = await scene();
  const answers: unknown[] = [];
  for (let i = 0; i < 5; i++) void link.ask(`ask ${i}`, []).then((rows) => answers.push(rows[0]!.statement));
  for (let i = 0; i < 5; i++) {
    await pass(0.9 * ANSWER_MS);
    answer();
    await microtasks();
  }
  assertEquals(answers, ["ask 0", "ask 1", "ask 2", "ask 3", "ask 4"]);
  assertEquals(counts(), { prepared: 1, downs: 0 });
  await link.close();
});

test("postgres history: a connection that no longer answers is replaced, and its callers are told", async () => {
  const { link, pass, answer, counts } = await scene();
  const first = link.ask("ask 1", []);
  const second = link.ask("ask 2", []).catch((error) => error.message);
  answer();
  await first;
  await pass(ANSWER_MS + 100);
  assertEquals(await second, "It has not answered within 1000 ms");
  await pass(200);
  assertEquals(counts(), { prepared: 2, downs: 1 });
  await link.close();
});
