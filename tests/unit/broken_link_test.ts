import { assertEquals } from "@std/assert";
import { CLOSE_CODES, type Codec, type Encoded, jsonCodec, type Surface } from "../../contract/mod.ts";
import type { Connection } from "../../hub/connection/connection.ts";
import { Group } from "../../hub/groups/group.ts";
import { Outbox } from "../../hub/outbox/outbox.ts";
import type { OutboxLimits } from "../../hub/outbox/outbox_rules.ts";
import { Turn } from "../../hub/outbox/turn.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { numbered } from "./counting_codec.ts";

const LIMITS: OutboxLimits = {
  maxMessages: 100,
  maxBytes: 10_000,
  policy: "close",
  maxFrameMessages: 4,
  maxFrameLength: 1_000,
  highWaterBytes: 100,
};
const surface = { serverToClient: new Map() } as unknown as Surface;

/** Three connections of a group. The link of the second breaks, in its own way. */
function scene(
  breakDown: (outbox: Outbox) => void,
  told: (error: unknown) => void = () => {},
  codec: Codec = jsonCodec,
) {
  const errors: unknown[] = [];
  const ends: (() => void)[] = [];
  const clock = new FakeClock();
  const turn = new Turn(codec, LIMITS, { endOfTurn: (end) => ends.push(end) });
  const group = new Group();
  const conns = [false, true, false].map((breaks) => {
    const frames: Encoded[] = [];
    const codes: number[] = [];
    const link = {
      subprotocol: "",
      bufferedAmount: 0,
      broken: false,
      send(frame: Encoded) {
        if (link.broken) breakDown(outbox);
        frames.push(frame);
      },
      close(code: number) {
        codes.push(code);
        if (link.broken) throw new Error("broken");
      },
    };
    const failed = (error: unknown) => {
      errors.push(error);
      told(error);
    };
    const outbox = new Outbox(link, turn, { limits: LIMITS, clock, failed });
    outbox.uncork(numbered(-1));
    frames.length = 0;
    const conn = { surface, outbox, recovers: false } as unknown as Connection;
    group.add(conn);
    return { outbox, link, frames, codes, breaks };
  });
  const got = () =>
    conns.map(({ frames }) =>
      frames.flatMap((frame) => jsonCodec.decode(frame)).map((message) => (message as unknown[])[2])
    );
  return { group, conns, got, errors, clock, end: () => ends.splice(0).forEach((call) => call()) };
}

const breakdowns: Record<string, (outbox: Outbox) => void> = {
  "throws when it sends": () => {
    throw new Error("broken");
  },
  "ends when it sends": (outbox) => outbox.close(),
};

for (const [what, breakDown] of Object.entries(breakdowns)) {
  for (const when of ["at the end of a turn", "within a turn", "after it was slow", "in an answer"]) {
    test(`outbox: a link that ${what} ${when} ends its own connection, and no other (promise 11)`, async () => {
      const { group, conns, got, errors, end } = scene(breakDown);
      const { outbox, link, frames, codes } = conns[1]!;
      group.deliver(numbered(0));
      end();
      if (when === "after it was slow") {
        link.bufferedAmount = 1_000;
        for (let n = -3; n < 0; n++) {
          outbox.push(numbered(n));
          outbox.flush();
        }
        link.bufferedAmount = 0;
        frames.length = 1;
      }
      link.broken = true;
      if (when === "after it was slow") outbox.drained();
      else if (when === "in an answer") {
        outbox.beginReply();
        outbox.pushOwn(numbered(-2));
        outbox.endReply();
      }
      const count = when === "within a turn" ? 9 : 2;
      for (let n = 1; n <= count; n++) group.deliver(numbered(n));
      end();
      group.deliver(numbered(10));
      end();
      const [one, , three] = got();
      const expected = [...Array.from({ length: count + 1 }, (_, n) => n), 10];
      assertEquals([one, three], [expected, expected]);
      assertEquals(outbox.closed, true);
      const throws = what.startsWith("throws");
      await Promise.resolve();
      assertEquals(errors.length, throws ? 1 : 0);
      assertEquals(codes, throws ? [CLOSE_CODES.INTERNAL] : []);
      if (throws) assertEquals(got()[1]![0], 0);
      assertEquals(frames.length, throws ? 1 : 2, "nothing is sent on a link that has ended");
    });
  }
}

for (const when of ["at the end of a turn", "within a turn"]) {
  for (const first of ["group", "other"] as const) {
    test(`outbox: if a link throws ${when}, what the application then sends comes after what is going out, first to ${first}`, async () => {
      let next = 100;
      const { group, conns, got, end } = scene(breakdowns["throws when it sends"]!, () => {
        other.deliver(numbered(next++));
        conns[2]!.outbox.pushOwn(numbered(next++));
        group.deliver(numbered(next++));
        for (let i = 0; i < LIMITS.maxFrameMessages; i++) other.deliver(numbered(next++));
      });
      const other = new Group();
      for (const { outbox } of conns) {
        other.add({ surface, outbox, recovers: false } as unknown as Connection);
      }
      const groups = first === "group" ? [group, other] : [other, group];
      conns[1]!.link.broken = true;
      const count = when === "within a turn" ? LIMITS.maxFrameMessages : 2;
      for (let n = 1; n <= count; n++) groups[n % 2]!.deliver(numbered(n));
      end();
      await Promise.resolve();
      end();
      const sent = Array.from({ length: count }, (_, i) => i + 1);
      const later = Array.from({ length: next - 100 }, (_, i) => 100 + i);
      const [one, , three] = got();
      assertEquals([one, three], [[...sent, ...later.filter((n) => n !== 101)], [...sent, ...later]]);
    });
  }
}

/** Each breaks the second of three connections that get ten messages, without a call of `send` that throws. */
const faults: Record<string, (all: ReturnType<typeof scene>, deliver: () => void) => void> = {
  "a link that throws when it is closed because it is slow, within a turn": ({ conns, end }, deliver) => {
    conns[1]!.link.bufferedAmount = Infinity;
    conns[1]!.outbox.push(numbered(0));
    end();
    conns[1]!.link.broken = true;
    for (let n = 0; n < 8 * LIMITS.maxMessages; n++) conns[1]!.outbox.pushOwn(numbered(0));
    deliver();
  },
  "a link that throws when it is closed because it is slow, later": ({ conns, end, clock }, deliver) => {
    conns[1]!.link.bufferedAmount = Infinity;
    conns[1]!.outbox.push(numbered(0));
    end();
    conns[1]!.link.broken = true;
    for (let n = 0; n < LIMITS.maxMessages; n++) conns[1]!.outbox.pushOwn(numbered(0));
    deliver();
    clock.advance(1_000);
  },
  "a link that cannot say what it has buffered": ({ conns }, deliver) => {
    Object.defineProperty(conns[1]!.link, "bufferedAmount", { get: cannot });
    deliver();
  },
  "a slow link that cannot say what it has buffered": ({ conns, end }, deliver) => {
    conns[1]!.link.bufferedAmount = Infinity;
    conns[1]!.outbox.push(numbered(0));
    end();
    deliver();
    Object.defineProperty(conns[1]!.link, "bufferedAmount", { get: cannot });
    conns[1]!.outbox.drained();
  },
  "a link whose answer cannot be joined": ({ conns }, deliver) => {
    conns[1]!.outbox.beginReply();
    conns[1]!.outbox.pushOwn(numbered(0, undefined, "odd"));
    conns[1]!.outbox.endReply();
    deliver();
  },
  "a link whose frame cannot be joined": ({ conns }, deliver) => {
    conns[1]!.outbox.pushOwn(numbered(0, undefined, "odd"));
    deliver();
  },
};

function cannot(): never {
  throw new Error("broken");
}

/** A codec with a bug. */
const oddCodec: Codec = {
  ...jsonCodec,
  join: (messages) =>
    jsonCodec.join(messages.map((message) => String(message).includes("odd") ? cannot() : message)),
};

for (const [what, damage] of Object.entries(faults)) {
  test(`outbox: ${what} ends its own connection, and no other (promise 11)`, async () => {
    const all = scene(() => {}, undefined, oddCodec);
    const { group, conns, got, errors, end } = all;
    damage(all, () => {
      for (let n = 1; n <= 9; n++) group.deliver(numbered(n));
      end();
    });
    group.deliver(numbered(10));
    end();
    const expected = Array.from({ length: 10 }, (_, i) => i + 1);
    assertEquals([got()[0], got()[2]], [expected, expected]);
    await Promise.resolve();
    assertEquals(errors.map(String), ["Error: broken"]);
    assertEquals(conns.map(({ outbox }) => outbox.closed), [false, true, false]);
  });
}
