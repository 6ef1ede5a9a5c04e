import { assertEquals } from "@std/assert";
import type { ServerMessage } from "../../contract/mod.ts";
import { test } from "../harness.ts";
import { microtasks } from "../hub/wires.ts";
import { opened, turn } from "./setup.ts";

const TOPIC = "ticker/ACME";
/** A link within one process may bring a frame between any two microtasks. */
const MOMENTS = Array.from({ length: 20 }, (_, i) => i);

const rec = (offset: number): ServerMessage => ["rec", TOPIC, offset, { n: offset }];

/** A live subscription that stands at offset 5, and a listener that reads the last two messages. */
async function replaying() {
  const { client, server: { link } } = await opened({}, { history: true });
  const first = client.subscribe(TOPIC, () => {});
  await turn();
  link.accept(TOPIC, { position: ["e1", 5], recovered: false });
  await first.ready;
  const told: unknown[] = [];
  const sub = client.subscribe(TOPIC, (_, { epoch, offset }) => void told.push(`${epoch} ${offset}`), {
    rewind: { last: 2 },
    onRecovery: ({ recovered }) => void told.push(recovered),
  });
  await turn();
  /** Answers the last question for a page. */
  const answer = (last: number, ...offsets: number[]) =>
    link.say(["res", link.sent("hist").at(-1)![1], {
      position: ["e1", last],
      complete: true,
      records: offsets.map((offset) => [offset, { n: offset }]),
    }]);
  return { client, link, sub, told, answer };
}

test("replay: a message that comes just after the last page is not lost", async () => {
  for (const moment of MOMENTS) {
    const { client, link, sub, told, answer } = await replaying();
    answer(5, 4, 5);
    await microtasks(moment);
    link.say(rec(6));
    await turn();
    if (sub.status !== "live") {
      answer(6, 6);
      await turn();
    }
    link.say(rec(7));
    const heard = told.filter((one) => one !== true);
    assertEquals(heard, ["e1 4", "e1 5", "e1 6", "e1 7"], `${moment} microtasks later`);
    await client.close();
  }
});

test("replay: a new epoch just after the last page is not taken for the old one", async () => {
  for (const moment of MOMENTS) {
    const { client, link, sub, told, answer } = await replaying();
    answer(5, 4, 5);
    await microtasks(moment);
    link.say(["gap", TOPIC, ["e2", 0]]);
    await turn();
    link.say(rec(1), rec(2));
    await sub.ready;
    assertEquals(told.slice(-3), [false, "e2 1", "e2 2"], `${moment} microtasks later: ${told}`);
    await client.close();
  }
});
