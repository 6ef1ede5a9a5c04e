import { assertEquals } from "@std/assert";
import { type Encoded, jsonCodec } from "../../contract/mod.ts";
import { Outbox } from "../../hub/outbox/outbox.ts";
import type { OutboxLimits } from "../../hub/outbox/outbox_rules.ts";
import { Turn } from "../../hub/outbox/turn.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { numbered } from "./counting_codec.ts";

const LIMITS: OutboxLimits = {
  maxMessages: 10,
  maxBytes: Infinity,
  policy: "close",
  maxFrameMessages: 4,
  maxFrameLength: 1_000,
  highWaterBytes: 1,
};
/** For 200 ms a queue may exceed its limits. */
const GRACE_MS = 200;

function scene(policy: OutboxLimits["policy"]) {
  const clock = new FakeClock();
  const ends: (() => void)[] = [];
  const limits = { ...LIMITS, policy };
  const turn = new Turn(jsonCodec, limits, { endOfTurn: (end) => void ends.push(end) });
  const codes: number[] = [];
  const link = {
    subprotocol: "",
    bufferedAmount: 0,
    send: ({ length }: Encoded) => void (link.bufferedAmount += length),
    close: (code: number) => void codes.push(code),
  };
  const outbox = new Outbox(link, turn, { limits, clock });
  outbox.uncork(numbered(-1));
  const read = () => {
    link.bufferedAmount = 0;
    outbox.drained();
  };
  read();
  return {
    clock,
    outbox,
    codes,
    /** One turn sends more than the queue may hold. */
    burst() {
      for (let n = 0; n < 20; n++) outbox.push(numbered(n, { droppable: true }));
      for (const end of ends.splice(0)) end();
    },
    read,
    readAll() {
      while (outbox.held > 0) read();
      read();
    },
  };
}

for (const policy of ["close", "drop"] as const) {
  test(`outbox: a client that reads each burst at once loses nothing and stays, even if a wait ends within each (${policy})`, () => {
    const { clock, outbox, codes, burst, readAll } = scene(policy);
    for (let n = 0; n < 10; n++) {
      burst();
      clock.advance(n === 0 ? 1 : 2);
      readAll();
      clock.advance(GRACE_MS / 4 - 2);
    }
    assertEquals([codes, outbox.dropped, outbox.held], [[], 0, 0]);
  });

  test(`outbox: a client that reads, but is never below the limits, has no more than 200 ms (${policy})`, () => {
    const { clock, outbox, codes, burst, read } = scene(policy);
    burst();
    burst();
    for (let time = 0; time < GRACE_MS; time += 20) {
      assertEquals([codes, outbox.dropped], [[], 0]);
      burst();
      for (let n = 0; n < 5; n++) read();
      clock.advance(20);
    }
    assertEquals([codes.length, outbox.dropped > 0], policy === "close" ? [1, false] : [0, true]);
  });
}
