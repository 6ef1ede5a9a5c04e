import { assertEquals } from "@std/assert";
import { Reports } from "../../adapters/kit/reports.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";

test("reports: the first one is made at once, the others are counted each second, and at the end", () => {
  const clock = new FakeClock();
  const reports = new Reports(clock);
  const said: string[] = [];
  const add = (kind: string, count = 1) => reports.add(kind, count, (n) => said.push(`${n} ${kind}`));
  for (let i = 0; i < 100; i++) add("lost");
  add("foreign", 3);
  assertEquals(said, ["1 lost", "3 foreign"]);
  clock.advance(1_000);
  assertEquals(said.slice(2), ["99 lost"]);
  add("lost");
  add("foreign");
  assertEquals(said.slice(3), ["1 foreign"]);
  clock.advance(1_000);
  assertEquals(said.slice(4), ["1 lost"]);
  clock.advance(2_000);
  assertEquals(clock.pending, 0);
  add("lost");
  add("lost");
  reports.close();
  assertEquals([said.slice(5), clock.pending], [["1 lost", "1 lost"], 0]);
  add("lost");
  assertEquals([said.length, clock.pending], [7, 0]);
});
