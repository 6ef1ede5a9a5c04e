import { assertEquals } from "@std/assert";
import { CLOSE_CODES, type Encoded } from "../../contract/mod.ts";
import { Outbox } from "../../hub/outbox/outbox.ts";
import type { OutboxLimits } from "../../hub/outbox/outbox_rules.ts";
import { Turn } from "../../hub/outbox/turn.ts";
import type { Link } from "../../transports/transport.ts";
import { FakeClock } from "../fake_clock.ts";
import { CountingCodec, NO_LIMITS, numbered } from "./counting_codec.ts";

/** A link that takes frames, and lets them leave when it is told to. */
class HeldLink implements Link {
  readonly subprotocol = "test";
  readonly frames: Encoded[] = [];
  bufferedAmount = 0;

  send(frame: Encoded): void {
    this.frames.push(frame);
    this.bufferedAmount += frame.length;
  }

  constructor(closed: (code: number) => void) {
    this.close = closed;
  }

  readonly close: (code: number) => void;
}

/** Outboxes that share a turn. */
export function outboxScene(given: Partial<OutboxLimits> = {}) {
  const limits = { ...NO_LIMITS, highWaterBytes: 1_000, ...given };
  const codec = new CountingCodec();
  const clock = new FakeClock();
  const ends: (() => void)[] = [];
  const turn = new Turn(codec, limits, { endOfTurn: (callback) => ends.push(callback) });
  const overflows: Outbox[] = [];
  return {
    codec,
    clock,
    ends,
    overflows,
    /** Makes an outbox that is uncorked, unless it is to stay corked. */
    outbox({ corked = false } = {}) {
      const link = new HeldLink((code) => {
        assertEquals(code, CLOSE_CODES.SLOW_CONSUMER);
        overflows.push(outbox);
      });
      const outbox: Outbox = new Outbox(link, turn, { limits, clock });
      if (!corked) {
        outbox.uncork(numbered(-1));
        link.frames.length = 0;
        link.bufferedAmount = 0;
      }
      const drain = () => {
        link.bufferedAmount = 0;
        outbox.drained();
      };
      /** The numbers that were sent, frame by frame. */
      const sent = () =>
        link.frames.map((frame) => codec.decode(frame).map((message) => (message as unknown[])[2]));
      return { link, outbox, drain, sent };
    },
    endTurn() {
      for (const end of ends.splice(0)) end();
    },
  };
}
