import { assert, assertEquals } from "@std/assert";
import { fitting, type Frame, packFrame, partOf, readFrame, stamp } from "../../../adapters/libp2p/frame.ts";
import { Receiver } from "../../../adapters/libp2p/receiver.ts";
import { nameOf, Topics } from "../../../adapters/libp2p/topics.ts";
import { seededRandom } from "../../../conformance/check.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";

const SESSION = "0123456789abcdef";
const HEAD = { ask: true, session: SESSION, count: 7, seq: 3 };

function frameOf(...texts: string[]): Uint8Array<ArrayBuffer> {
  const bytes = packFrame(texts.map((text) => partOf({ name: "news", channel: "news", data: text })));
  stamp(bytes, HEAD);
  return bytes;
}

const frame = (seq: number): Frame => ({ ...HEAD, seq, entries: [], bytes: 100 });

test("libp2p: a frame is decoded as it was encoded, and other bytes decode to nothing", () => {
  const bytes = frameOf("one", "", "💥");
  const read = readFrame(bytes)!;
  const { ask, session, count, seq } = read;
  assertEquals({ ask, session, count, seq }, HEAD);
  assertEquals(read.entries.map(({ data }) => new TextDecoder().decode(data)), ["one", "", "💥"]);
  const random = seededRandom(7);
  for (let i = 0; i < 2_000; i++) {
    const broken = bytes.slice(0, 1 + Math.floor(random() * bytes.length));
    broken[Math.floor(random() * broken.length)] = Math.floor(random() * 256);
    readFrame(broken); // does not throw, and takes nothing beyond its end
  }
  assertEquals(readFrame(bytes.subarray(0, bytes.length - 1)), undefined);
  assertEquals(readFrame(new Uint8Array()), undefined);
});

test("libp2p: a frame takes messages until it is full, and a larger message has its own frame", () => {
  const part = (length: number) => partOf({ name: "a", channel: "a", data: "x".repeat(length) });
  assertEquals(fitting([part(1_000_000), part(1)]), 1);
  assertEquals(fitting([part(10), part(10)]), 2);
  assertEquals(fitting(Array.from({ length: 100 }, () => part(10_000))), 7);
});

test("libp2p: different channels have different names, and all names a topic", () => {
  const channels = ["a", "\ud800", "\ud801", "\ufffd", '\0j"\\ud800"', "\0j", ""];
  assertEquals(new Set(channels.map(nameOf)).size, channels.length);
  const topics = new Topics("abc");
  const used = new Set(Array.from({ length: 2_000 }, (_, i) => topics.of(`room/${i}`)));
  assertEquals([used.size, [...used].every((topic) => topics.has(topic))], [topics.all.length, true]);
});

test("libp2p: messages out of order and duplicates are brought into order", () => {
  const random = seededRandom(1);
  for (let round = 0; round < 50; round++) {
    const got: number[] = [];
    const gaps: string[] = [];
    const receiver = new Receiver({
      clock: new FakeClock(),
      deliver: (_topic, { seq }) => void got.push(seq),
      onGap: (topic) => void gaps.push(topic),
    });
    receiver.expect("a", { t: 0 }, true);
    const sent = Array.from({ length: 100 }, (_, seq) => seq);
    const arriving = [...sent, ...sent.slice(40, 60)].map((seq) => ({ seq, at: seq + random() * 20 }));
    for (const { seq } of arriving.sort((x, y) => x.at - y.at)) receiver.take("a", "t", frame(seq));
    assertEquals([got, gaps], [sent, []]);
    receiver.close();
  }
});

test("libp2p: a message that never comes is a gap after a while, and is then too late", () => {
  const clock = new FakeClock();
  const got: number[] = [];
  const gaps: string[] = [];
  const receiver = new Receiver({
    clock,
    deliver: (_topic, { seq }) => void got.push(seq),
    onGap: (topic) => void gaps.push(topic),
  });
  receiver.expect("a", { t: 5 }, true);
  for (const seq of [5, 7, 8]) receiver.take("a", "t", frame(seq));
  for (let ms = 0; ms < 2_000; ms += 100) clock.advance(100);
  assertEquals([got, gaps], [[5], []]);
  for (let ms = 0; ms < 2_000; ms += 100) clock.advance(100);
  assertEquals([got, gaps], [[5, 7, 8], ["t"]]);
  receiver.take("a", "t", frame(6));
  assertEquals(got, [5, 7, 8]);
  // The last ones are lost, as their sender tells.
  receiver.expect("a", { t: 12 }, false);
  for (let ms = 0; ms < 4_000; ms += 100) clock.advance(100);
  assertEquals([gaps, clock.pending], [["t", "t"], 0]);
  receiver.take("a", "t", frame(12));
  assertEquals(got, [5, 7, 8, 12]);
  receiver.close();
});

test("libp2p: a hole that is never filled holds back a bounded number of frames", () => {
  let got = 0;
  const gaps: string[] = [];
  const clock = new FakeClock();
  const receiver = new Receiver({
    clock,
    deliver: () => void got++,
    onGap: (topic) => void gaps.push(topic),
  });
  receiver.expect("a", { t: 0 }, true);
  for (let seq = 1; seq < 3_000; seq++) receiver.take("a", "t", frame(seq));
  assertEquals([got, gaps], [2_999, ["t"]]);
  receiver.close();
});

test("libp2p: messages without a subscriber are no gap, and old frames never come again", () => {
  const clock = new FakeClock();
  const got: number[] = [];
  const gaps: string[] = [];
  const receiver = new Receiver({
    clock,
    deliver: (_topic, { seq }) => void got.push(seq),
    onGap: (topic) => void gaps.push(topic),
  });
  receiver.expect("a", { t: 0 }, true);
  receiver.take("a", "t", frame(0));
  receiver.leave("t");
  receiver.expect("a", { t: 50 }, true);
  for (const seq of [0, 20, 49, 50]) receiver.take("a", "t", frame(seq));
  for (let ms = 0; ms < 4_000; ms += 100) clock.advance(100);
  assertEquals([got, gaps], [[0, 50], []]);
  assert(clock.pending === 0);
  receiver.close();
});

test("libp2p: a node that invents sessions does not push out the frames of other nodes", () => {
  const clock = new FakeClock();
  const got: string[] = [];
  const gaps: string[] = [];
  const receiver = new Receiver({
    clock,
    deliver: (_topic, { seq, session }) => void got.push(`${session} ${seq}`),
    onGap: (topic) => void gaps.push(topic),
  });
  receiver.expect("a s", { t: 0 }, true);
  receiver.take("a s", "t", { ...frame(1), session: "a" }); // waits for the one before it
  for (let i = 0; i < 5_000; i++) receiver.take(`b ${i}`, "t", { ...frame(0), session: "b" });
  receiver.take("a s", "t", { ...frame(0), session: "a" });
  receiver.take("a s", "t", { ...frame(0), session: "a" }); // is known to have come
  assertEquals([got.filter((text) => text.startsWith("a")), gaps], [["a 0", "a 1"], []]);
  receiver.close();
});
