/** The oracle sees what must not be. */
import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { SIZES } from "./contract.ts";
import { HeardBook } from "./heard_book.ts";
import { type Evidence, judge } from "./oracle.ts";
import type { Publication } from "./publisher.ts";

const TOPIC = "long/0";

/** A message that was sent once, and kept in the epoch "a" at the offset of its number, unless something else is said. */
const publication = (number: number, some: Partial<Publication> = {}): Publication => ({
  number,
  topic: TOPIC,
  sentAt: 1_000 * number,
  life: 1,
  attempts: 1,
  open: 0,
  acks: [{ epoch: "a", offset: number }],
  refused: false,
  ...some,
});

/** Judges three messages and what else there is. */
function judged(publications: Publication[], heard: number[], some: Partial<Evidence> = {}) {
  const book = new HeardBook();
  for (const [i, number] of heard.entries()) book.note(TOPIC, "a", i + 1, number);
  return judge({
    publications: new Map(publications.map((one) => [one.number, one])),
    book,
    jumps: [],
    audits: [],
    ...some,
  });
}

const three = [publication(1), publication(2), publication(3)];

test("torture: a message that arrives at its own position is no violation", () => {
  const { violations, acknowledged } = judged(three, [1, 2, 3], {
    audits: [{ topic: TOPIC, epoch: "a", last: 3, from: 2, numbers: [2, 3] }],
    jumps: [{ client: 1, topic: TOPIC, after: ["a", 2], toldAt: 1_000 }],
  });
  assertEquals([violations, acknowledged], [[], 3]);
});

test("torture: another message at a place that was acknowledged is a violation", () => {
  assertEquals(judged(three, [1, 3]).violations, [
    "long/0 has 3 at a 2, which is said to be the place of 2",
    "long/0 has 3 twice, at a 2 and 3",
  ]);
});

test("torture: an id twice in an epoch is a violation while the first is kept", () => {
  const again = (
    offset: number,
  ) => [publication(1, { acks: [{ epoch: "a", offset: 1 }, { epoch: "a", offset }] })];
  assertEquals(judged(again(5), []).violations, ["long/0 has 1 twice, at a 1 and 5"]);
  assertEquals(judged(again(SIZES.long + 2), []).violations, []);
});

test("torture: a message that was certainly refused, or never published, is a violation", () => {
  const refused = publication(1, { acks: [], refused: true });
  assertEquals(judged([refused], [1, 9]).violations, [
    "long/0 has 1 at a 1, of which was said that it is not kept",
    "long/0 has 9 at a 2, which nobody has published there",
  ]);
});

test("torture: messages of one node in another order than that of its answers are a violation", () => {
  const swapped = [
    publication(1, { acks: [{ epoch: "a", offset: 2 }] }),
    publication(2, { acks: [{ epoch: "a", offset: 1 }] }),
  ];
  assertEquals(judged(swapped, []).violations, [
    "long/0 has 2 at a 1, which the same node was told after 1, at 2",
  ]);
});

test("torture: histories that end early, have something else, or differ by node are violations", () => {
  const audit = { topic: TOPIC, epoch: "a", from: 2, last: 3, numbers: [2, 3] } as const;
  const { violations } = judged(three, [1, 2, 3], {
    audits: [audit, { ...audit, last: 2, numbers: [2] }, { ...audit, numbers: [3, 3] }],
  });
  assertEquals(violations, [
    "the history of long/0 ends at a 2, before 3",
    "the history of long/0 has 3 at a 2, where 2 was",
    "two nodes read long/0 differently: a 3, and a 2",
  ]);
});

test("torture: a message that was published after a listener got its position, and did not come, is a violation", () => {
  const told = { client: 1, topic: TOPIC, before: ["a", 1], toldAt: 1_500 } as const;
  const text = "and not 2 at a 2, which was published 500 ms after it was told where it stands";
  const after = (position?: [string, number]) =>
    judged(three, [1, 2, 3], { jumps: [{ ...told, ...(position && { after: position }) }] });
  assertEquals(after(["a", 3]).violations, [`client 1 on long/0 heard a 1, then a 3, ${text}`]);
  assertEquals(after().violations, [`client 1 on long/0 heard a 1, then nothing, ${text}`]);
  assertEquals(after(["a", 2]).violations, []);
  assertEquals(after(["a", 2]).gaps, { "same epoch, nothing missing": 1 });
});

test("torture: a gap is needless if the history still had all that was published after the listener's last message", () => {
  const many = Array.from({ length: SIZES.long + 3 }, (_, i) => publication(i + 1));
  const needless = (toldAt: number) =>
    judged(many, [], { jumps: [{ client: 1, topic: TOPIC, before: ["a", 1], after: ["a", 3], toldAt }] })
      .needless
      .length;
  assertEquals(needless(many.at(-3)!.sentAt), 1);
  assertEquals(needless(many.at(-1)!.sentAt), 0, "the history had moved on");
});
