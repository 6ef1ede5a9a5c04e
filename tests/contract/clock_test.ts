import { assertEquals } from "@std/assert";
import { systemClock } from "../../contract/mod.ts";
import { test } from "../harness.ts";

test("clock: a turn ends after all tasks that are ready, and before a timer that was set in it", async () => {
  const log: string[] = [];
  const { promise: timer, resolve } = Promise.withResolvers<void>();
  systemClock.endOfTurn(() => log.push("end"));
  systemClock.after(10, () => resolve(void log.push("timer")));
  Promise.resolve().then(() => log.push("microtask")).then(() => log.push("another"));
  log.push("now");
  await timer;
  assertEquals(log, ["now", "microtask", "another", "end", "timer"]);
});

test("clock: a timer that is cancelled does not call back, also one in the background", async () => {
  const log: string[] = [];
  const { promise: timer, resolve } = Promise.withResolvers<void>();
  const cancels = [
    systemClock.after(1, () => log.push("cancelled")),
    systemClock.after(1, () => log.push("cancelled in the background"), { background: true }),
  ];
  systemClock.after(1, () => log.push("background"), { background: true });
  systemClock.after(20, resolve);
  for (const cancel of cancels) {
    cancel();
    cancel();
  }
  await timer;
  for (const cancel of cancels) cancel();
  assertEquals(log, ["background"]);
});

test("clock: for a time that has passed already it makes no timer with a negative time", () => {
  const { setTimeout } = globalThis;
  const delays: unknown[] = [];
  globalThis.setTimeout = ((_: () => void, ms: number) => delays.push(ms)) as unknown as typeof setTimeout;
  try {
    systemClock.after(-0.5, () => {});
    systemClock.after(2 ** 40, () => {});
  } finally {
    globalThis.setTimeout = setTimeout;
  }
  assertEquals(delays, [0, 2 ** 31 - 1]);
});
