import { assertEquals } from "@std/assert";
import { Appending } from "../../../adapters/postgres/history/appending.ts";
import type { Append } from "../../../adapters/postgres/history/statement.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test, waitFor } from "../../harness.ts";
import { turn } from "../../hub/wires.ts";

test("postgres history: any number of messages wait for a topic that a transaction holds, in order", async () => {
  const count = 150_000; // with more than 125,000 arguments, a call of a function fails
  const clock = new FakeClock();
  let isHeld = true;
  let stored = 0;
  const store = () => ({ position: `e.${++stored}` });
  const appending = new Appending({
    clock,
    lockTimeoutMs: 10_000,
    send: async (appends) => await Promise.resolve(appends.map(() => isHeld ? {} : store())),
    sendPatiently: () => new Promise(() => {}), // another topic has that place
    isPassing: () => false,
  });
  appending.attach();
  const append = (name: string) => appending.append({ name, length: 1 } as Append, undefined);
  const before = append("first"); // takes the place in the line of the server
  before.catch(() => {});
  await waitFor(() => clock.pending === 0);
  const all = Array.from({ length: count }, () => append("topic"));
  await waitFor(() => clock.pending > 0, { what: "the first pause" });
  isHeld = false;
  clock.advance(5);
  await turn();
  const positions = await Promise.all(all);
  assertEquals([positions.length, positions[0]![1], positions.at(-1)![1]], [count, 1, count]);
});
