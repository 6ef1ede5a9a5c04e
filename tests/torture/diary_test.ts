/** The diary of a listener sees what must not be. */
import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { Diary } from "./diary.ts";
import type { Jump, LoadCounts } from "./words.ts";

function openDiary() {
  const counts: LoadCounts = {
    deliveries: 0,
    replays: 0,
    claimsTrue: 0,
    claimsFalse: 0,
    drops: 0,
    duplicates: 0,
    orderBreaks: 0,
    holes: 0,
  };
  const violations: string[] = [], jumps: Jump[] = [];
  const diary = new Diary(1, "long/2", {
    counts,
    onViolation: (what) => violations.push(what),
    onJump: (jump) => jumps.push(jump),
  });
  const hear = (epoch: string, ...offsets: number[]) => {
    for (const offset of offsets) diary.hear({ epoch, offset, recovered: false }, 7);
  };
  diary.live(1);
  hear("a", 4);
  return { diary, counts, violations, jumps, hear };
}

test("torture: messages without holes are no violation, and their beginning is reported", () => {
  const { violations, jumps, hear, diary, counts } = openDiary();
  hear("a", 5);
  diary.told(true, 2);
  hear("a", 6);
  diary.end();
  assertEquals([violations, counts.deliveries], [[], 3]);
  assertEquals(jumps, [{ client: 1, topic: "long/2", before: undefined, after: ["a", 4], toldAt: 1 }]);
});

test("torture: a hole is a violation unless the client was told", () => {
  const { violations, jumps, hear, diary, counts } = openDiary();
  diary.told(true, 2);
  hear("a", 6);
  assertEquals(violations, ["client 1 on long/2 heard a 6 after a 4, and was not told of a gap"]);
  diary.told(false, 3);
  hear("a", 9);
  assertEquals([violations.length, counts.holes], [1, 1]);
  assertEquals(jumps.at(-1), {
    client: 1,
    topic: "long/2",
    before: ["a", 6],
    after: ["a", 9],
    toldAt: 3,
  });
});

test("torture: a duplicate, or a message after a later one, is a violation, whatever notices there were", () => {
  const { violations, hear, diary, counts } = openDiary();
  hear("a", 4);
  diary.told(false, 3);
  hear("a", 3);
  assertEquals([violations.length, counts.duplicates, counts.orderBreaks], [2, 1, 1]);
});

test("torture: another epoch is a violation unless the client was told, and an older one always is", () => {
  const { violations, hear, diary } = openDiary();
  hear("b", 1);
  assertEquals(violations, ["client 1 on long/2 heard b 1 after a 4, and was not told of a gap"]);
  diary.told(false, 3);
  hear("a", 5);
  assertEquals(violations.slice(1), ["client 1 on long/2 heard the epoch a again, after b"]);
});

test("torture: a client that was told of a gap and got nothing since is still known at the end", () => {
  const { jumps, diary } = openDiary();
  diary.told(false, 3);
  diary.end();
  assertEquals(jumps.at(-1), { client: 1, topic: "long/2", before: ["a", 4], toldAt: 3 });
});
