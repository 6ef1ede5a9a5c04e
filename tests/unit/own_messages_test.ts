import { assert, assertEquals, assertStrictEquals } from "@std/assert";
import fc from "fast-check";
import { msgpackCodec } from "../../codecs/msgpack.ts";
import { type Codec, type Encoded, jsonCodec } from "../../contract/mod.ts";
import { Group } from "../../hub/groups/group.ts";
import { Outbox } from "../../hub/outbox/outbox.ts";
import type { OutboxLimits } from "../../hub/outbox/outbox_rules.ts";
import { pushToSome } from "../../hub/outbox/tape.ts";
import { Turn } from "../../hub/outbox/turn.ts";
import { runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { CountingCodec, numbered } from "./counting_codec.ts";
import { TapeScene } from "./tape_scene.ts";

const numbers = (messages: readonly unknown[]): unknown[] =>
  messages.map((message) => (message as unknown[])[2]);

/** Each of these says a line to all, and is answered: one after the other, some times. */
function chat(scene: TapeScene, count: number, rounds: number) {
  const group = new Group();
  const conns = Array.from({ length: count }, () => scene.connect());
  for (const conn of conns) group.add(conn);
  scene.codec.joined = 0;
  const expected: number[][] = conns.map(() => []);
  let n = 0;
  return {
    group,
    conns,
    expected,
    /** The first of them speak. */
    speak(speakers: number): void {
      for (let round = 0; round < rounds; round++) {
        for (const [i, { outbox }] of conns.slice(0, speakers).entries()) {
          group.deliver(numbered(++n));
          for (const list of expected) list.push(n);
          outbox.pushOwn(numbered(++n));
          expected[i]!.push(n);
        }
      }
    },
  };
}

test("own messages: whoever is answered between the lines of all has everything in the order of sending, and stays with the others", () => {
  const { conns, expected, speak } = chat(new TapeScene(), 50, 1);
  speak(20);
  assertEquals(new Set(conns.map(({ outbox }) => outbox.cohort)).size, 1, "nobody is apart");
  for (const [i, conn] of conns.entries()) assertEquals(numbers(conn.got), expected[i]);
  for (const { frames } of conns.slice(20)) {
    assertStrictEquals(frames[0], conns[20]!.frames[0], "one frame for all who only listen");
  }
});

test("own messages: an answer before the first line of a turn does not part its client from the others", () => {
  const scene = new TapeScene();
  const { group, conns } = chat(scene, 30, 1);
  for (const [i, { outbox }] of conns.slice(0, 10).entries()) {
    outbox.beginReply();
    outbox.pushOwn(numbered(100 + i));
    if (i % 2 === 0) outbox.endReply();
  }
  group.deliver(numbered(1));
  for (const { outbox } of conns) outbox.endReply();
  conns[0]!.outbox.pushOwn(numbered(2));
  group.deliver(numbered(3));
  assertEquals(
    new Set(conns.slice(1).map(({ outbox }) => outbox.cohort)),
    new Set([conns[0]!.outbox.cohort]),
  );
  assertEquals(numbers(conns[0]!.got), [100, 1, 2, 3]);
  assertEquals(numbers(conns[9]!.got), [109, 1, 3]);
  assertEquals(numbers(conns[29]!.got), [1, 3]);
});

test("own messages: one who speaks a lot gets full frames, and then shares those of the others again", () => {
  const scene = new TapeScene({ maxFrameMessages: 8 });
  const { group, conns, expected, speak } = chat(scene, 10, 32);
  speak(1);
  scene.endTurn();
  assertEquals(numbers(conns[0]!.got), expected[0]);
  assert(conns[0]!.frames.length <= 10, `${conns[0]!.frames.length} frames for 64 messages`);
  assert(conns[9]!.frames.length <= 5, `${conns[9]!.frames.length} frames for 32 messages`);
  for (let n = 0; n < 16; n++) {
    group.deliver(numbered(1_000 + n));
    if (n === 3) conns[0]!.outbox.pushOwn(numbered(-5));
  }
  scene.endTurn();
  assertStrictEquals(conns[0]!.frames.at(-1), conns[9]!.frames.at(-1));
});

test("own messages: of a client that leaves, flushes, gets other messages or closes, all or none arrive, in order", () => {
  const scene = new TapeScene();
  const group = new Group();
  const conns = Array.from({ length: 6 }, () => scene.connect());
  for (const conn of conns) group.add(conn);
  const [leaves, flushes, hears, closes, excepted, stays] = conns;
  group.deliver(numbered(1));
  for (const { outbox } of conns.slice(0, 5)) outbox.pushOwn(numbered(2));
  group.delete(leaves!);
  flushes!.outbox.flush();
  assertEquals(flushes!.frames.length, 1);
  hears!.outbox.push(numbered(3));
  closes!.outbox.close();
  group.deliver(numbered(4), { except: excepted! });
  excepted!.outbox.pushOwn(numbered(5));
  assertEquals(
    [leaves, flushes, hears, closes, excepted, stays].map((conn) => numbers(conn!.got)),
    [[1, 2], [1, 2, 4], [1, 2, 3, 4], [], [1, 2, 5], [1, 4]],
  );
});

/** A client that only records, of any codec. */
function peer(turn: Turn, limits: OutboxLimits) {
  const frames: Encoded[] = [];
  const link = { subprotocol: "", bufferedAmount: 0, send: (f: Encoded) => void frames.push(f), close() {} };
  const outbox = new Outbox(link, turn, { limits, clock: new FakeClock() });
  outbox.uncork(numbered(-1));
  frames.length = 0;
  const surface = { serverToClient: new Map() };
  return { frames, outbox, surface, memberships: undefined, recovers: false, expected: [] as number[] };
}

/** A line to all, or to all but one; or an answer to one. */
const toSome = fc.oneof(
  { weight: 8, arbitrary: fc.record({ to: fc.constant("all" as const), c: fc.constant(0) }) },
  {
    weight: 2,
    arbitrary: fc.record({ to: fc.constantFrom("others" as const, "one" as const), c: fc.nat(5) }),
  },
);

test("own messages: frames in text and in bytes carry the same, without what a member is left out of, and keep to the limits", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(30, 200, 10_000),
      fc.array(toSome, { maxLength: 150, size: "max" }),
      (maxFrameMessages, maxFrameLength, steps) => {
        const limits: OutboxLimits = {
          maxMessages: Infinity,
          maxBytes: Infinity,
          policy: "close",
          maxFrameMessages,
          maxFrameLength,
          highWaterBytes: Infinity,
        };
        const codecs: readonly Codec[] = [jsonCodec, msgpackCodec, new CountingCodec()];
        for (const codec of codecs) {
          const ends: (() => void)[] = [];
          const turn = new Turn(codec, limits, { endOfTurn: (end) => void ends.push(end) });
          const peers = Array.from({ length: 8 }, () => peer(turn, limits));
          const group = new Group();
          for (const one of peers) group.add(one as never);
          for (const [n, { to, c }] of steps.entries()) {
            const message = numbered(n, undefined, n % 7 === 0 ? "ä".repeat(n % 20) : "");
            const one = peers[c]!;
            if (to === "one") one.outbox.pushOwn(message);
            else group.deliver(message, { except: to === "others" ? one as never : undefined });
            for (const peer of peers) {
              if (to === "all" || (peer === one) === (to === "one")) peer.expected.push(n);
            }
          }
          for (const end of ends) end();
          for (const { frames, expected } of peers) {
            const decoded = frames.map((frame) => codec.decode(frame));
            assertEquals(numbers(decoded.flat()), expected);
            for (const messages of decoded) {
              assert(messages.length > 0 && messages.length <= maxFrameMessages);
              // A frame is sent as soon as it is full: without its last message it was not.
              const earlier = messages.slice(0, -1).map((message) =>
                codec.encode(message as unknown[]).length
              );
              assert(earlier.reduce((sum, length) => sum + length, 0) < maxFrameLength);
            }
          }
        }
      },
    ),
    runs(1_000),
  );
});

test("own messages: a client that is closed as slow while it is answered between the lines of all costs the others nothing (promises 2, 8, 11)", () => {
  // After which lines of four it is answered.
  for (let places = 1; places < 16; places++) {
    const scene = new TapeScene({ maxFrameMessages: 4, maxMessages: 1, highWaterBytes: 1_000 });
    const [group, other] = [new Group(), new Group()];
    const [slow, ...others] = Array.from({ length: 3 }, () => scene.connect());
    for (const conn of [slow!, ...others]) [group, other].forEach((one) => one.add(conn));
    slow!.fill();
    let n = 0;
    while (!slow!.outbox.closed) {
      group.deliver(numbered(++n));
      if (places >> n % 4 & 1) slow!.outbox.pushOwn(numbered(0));
    }
    for (let i = 0; i < 9; i++) {
      other.deliver(numbered(++n));
      if (i === 0) [group, other].forEach((one) => one.delete(slow!)); // its link has ended
    }
    const all = Array.from({ length: n }, (_, i) => i + 1);
    assertEquals(others.map((conn) => numbers(conn.got)), [all, all], `answers at ${places}`);
  }
});

test("own messages: a client that closes costs nothing for what it no longer gets", () => {
  const scene = new TapeScene({ maxFrameMessages: Infinity });
  const { conns, group } = chat(scene, 100, 0);
  let looks = 0;
  for (let n = 0; n < 100; n++) {
    const message = numbered(n);
    message.encoded(scene.codec);
    group.deliver(message);
    message.encoded = () => (looks++, "");
  }
  for (const { outbox } of conns) outbox.pushOwn(numbered(-1));
  for (const { outbox } of conns) outbox.close();
  scene.endTurn();
  assert(looks <= 100, `${looks} looks at messages`);
});

for (const [what, stretch] of [["one message of many", 1], ["many messages in a row", 25]] as const) {
  test(`own messages: in text, a member that is left out of ${what} costs no look at the others`, () => {
    const limits: OutboxLimits = { ...new TapeScene().limits, maxFrameMessages: Infinity };
    const ends: (() => void)[] = [];
    const turn = new Turn(jsonCodec, limits, { endOfTurn: (end) => void ends.push(end) });
    const peers = Array.from({ length: 100 / stretch }, () => peer(turn, limits));
    const group = new Group();
    for (const one of peers) group.add(one as never);
    let looks = 0;
    for (let n = 0; n < 100; n++) {
      const message = numbered(n);
      group.deliver(message, { except: peers[Math.floor(n / stretch)] as never });
      const encoded = message.encoded(jsonCodec);
      message.encoded = () => (looks++, encoded);
    }
    for (const end of ends) end();
    for (const [i, { frames }] of peers.entries()) {
      assertEquals(frames.length, 1);
      const expected = Array.from({ length: 100 }, (_, n) => n).filter((n) => Math.floor(n / stretch) !== i);
      assertEquals(numbers(jsonCodec.decode(frames[0]!)), expected);
    }
    assert(looks <= 200, `${looks} looks at messages`);
  });
}

test("own messages: a member that is left out of all messages of a turn gets no frame, and one that is left out of most gets the rest", () => {
  const scene = new TapeScene({ maxFrameMessages: 8 });
  const { group, conns } = chat(scene, 10, 0);
  for (let n = 0; n < 40; n++) group.deliver(numbered(n), { except: n === 20 ? conns[1]! : conns[0]! });
  assertEquals(new Set(conns.map(({ outbox }) => outbox.cohort)).size, 1, "nobody is apart");
  assertEquals([numbers(conns[0]!.got), conns[0]!.frames.length], [[20], 1]);
  assertEquals(numbers(conns[1]!.got), Array.from({ length: 40 }, (_, n) => n).filter((n) => n !== 20));
  for (let n = 40; n < 50; n++) group.deliver(numbered(n), { except: conns[0]! });
  scene.endTurn();
  assertEquals([conns[0]!.frames.length, conns[9]!.frames.length], [1, 7]);
});

const limitsOfFrames = {
  "by count": { maxFrameMessages: 16 },
  "by length": { maxFrameLength: 16 * '["ev","n",100]'.length },
};

for (const [how, limits] of Object.entries(limitsOfFrames)) {
  test(`own messages: who says as much as it is left out of gets as many frames as the others, limited ${how}`, () => {
    const scene = new TapeScene(limits);
    const { group, conns } = chat(scene, 4, 0);
    for (let n = 100; n < 164; n++) {
      group.deliver(numbered(n), { except: conns[0]! });
      conns[0]!.outbox.pushOwn(numbered(100 + n));
    }
    scene.endTurn();
    assertEquals(numbers(conns[0]!.got), Array.from({ length: 64 }, (_, n) => 200 + n));
    // Its answer to the last message of a frame comes in the next one, which leaves a place for it.
    assertEquals(conns.map(({ frames }) => frames.length), [5, 5, 5, 5]);
  });
}

test("own messages: what a member is left out of fills no frame of a member that is apart from the others", () => {
  const scene = new TapeScene({ maxFrameMessages: 8 });
  const { group, conns } = chat(scene, 4, 0);
  group.deliver(numbered(0));
  pushToSome(numbered(1), [conns[0]!.outbox], scene.turn);
  for (let n = 2; n < 50; n++) group.deliver(numbered(n), { except: conns[0]! });
  assertEquals(conns[0]!.frames.length, 0);
  assertEquals(numbers(conns[0]!.got), [0, 1]);
  assertEquals(numbers(conns[1]!.got), [0, ...Array.from({ length: 48 }, (_, n) => n + 2)]);
});

test("own messages: a member that is closed while others are sent the message that it is left out of costs them nothing", () => {
  const scene = new TapeScene({ maxFrameMessages: 2 });
  const conns = Array.from({ length: 3 }, () => scene.connect());
  const [first, left, other] = conns;
  const [group, single] = [new Group(), new Group()];
  for (const conn of conns) group.add(conn);
  single.add(first!);
  single.deliver(numbered(0)); // it has a cohort of its own, which comes first and is full first
  const { emit } = first!.outbox;
  first!.outbox.emit = (sequence) => {
    left!.outbox.close();
    emit.call(first!.outbox, sequence);
  };
  group.deliver(numbered(1), { except: left! });
  assertEquals(left!.outbox.closed, true);
  assertEquals(conns.map((conn) => numbers(conn.got)), [[0, 1], [], [1]]);
  assertEquals(numbers(other!.got), [1]);
});
