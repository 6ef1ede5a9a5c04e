import { assertEquals } from "@std/assert";
import type { Found } from "../../../adapters/redis_cluster/finder.ts";
import { MeetingPlace } from "../../../adapters/redis_cluster/meeting_place.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";

/** What nodes say: which of them are masters, and which see a working cluster. */
function found(masters: readonly string[], sure: readonly string[], doubters: readonly string[]): Found {
  return {
    ok: sure.length > 0,
    ranges: masters.map((address, i) => [i, i, address]),
    nodes: masters,
    sure: new Set(sure),
    doubters: new Set(doubters),
  } as unknown as Found;
}

test("redis cluster, classic: the doubts of a node that is left count for no other node", () => {
  const clock = new FakeClock();
  const place = new MeetingPlace(clock);
  assertEquals(place.choose(found(["a"], [], ["a"]), undefined, false), "a");
  clock.advance(60_000);
  assertEquals(place.reachesAll, true);
  // "a" is a replica now, and "b" has just started.
  assertEquals(place.choose(found(["b"], [], ["b"]), "a", true), "b");
  assertEquals(place.reachesAll, false);
  clock.advance(4_000);
  assertEquals(place.choose(found(["b"], [], ["b"]), "b", true), "b");
  assertEquals(place.reachesAll, false);
  clock.advance(1_000);
  assertEquals(place.reachesAll, true);
});

test("redis cluster, classic: a node that was sure, and sees no working cluster any more, reaches the others only after a while", () => {
  const clock = new FakeClock();
  const place = new MeetingPlace(clock);
  place.choose(found(["a"], ["a"], []), undefined, false);
  place.choose(found(["a"], [], ["a"]), "a", true);
  assertEquals(place.reachesAll, false);
  clock.advance(5_000);
  assertEquals(place.reachesAll, true);
  place.choose(found(["a"], ["a"], []), "a", true);
  place.choose(found(["a"], [], ["a"]), "a", true);
  assertEquals(place.reachesAll, false);
});

test("redis cluster, classic: a node that nobody could ask since it was chosen reaches nobody yet", () => {
  const clock = new FakeClock();
  const place = new MeetingPlace(clock);
  place.choose(found(["a"], ["a"], []), undefined, false);
  assertEquals(place.reachesAll, true);
  place.lost("a");
  assertEquals(place.reachesAll, false);
  assertEquals(place.choose(found(["b"], [], []), "a", false), "b");
  clock.advance(60_000);
  assertEquals(place.reachesAll, false);
  place.choose(found(["b"], ["b"], []), "b", true);
  assertEquals(place.reachesAll, true);
});
