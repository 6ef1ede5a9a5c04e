import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { CLOSE_CODES, type Codec, type Encoded, jsonCodec, type Surface } from "../../contract/mod.ts";
import type { Connection } from "../../hub/connection/connection.ts";
import { Group } from "../../hub/groups/group.ts";
import { Outbox } from "../../hub/outbox/outbox.ts";
import type { OutboxLimits } from "../../hub/outbox/outbox_rules.ts";
import { OutgoingMessage, type Urgency } from "../../hub/outbox/outgoing_message.ts";
import { Turn } from "../../hub/outbox/turn.ts";
import { runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { CountingCodec, numbered } from "./counting_codec.ts";

const URGENCIES: readonly (Urgency | undefined)[] = [
  undefined,
  { droppable: true },
  { droppable: true, conflateKey: "a" },
  { droppable: true, conflateKey: "b" },
];
const CONNECTIONS = 8;
const WELCOME = -1;

/** A connection whose client reads when it is told to, and what it must get. */
class Peer {
  readonly outbox: Outbox;
  readonly surface: Surface;
  readonly recovers = false;
  memberships: Connection["memberships"];
  /** All messages for it, in order. */
  readonly expected: { n: number; essential: boolean }[] = [];
  readonly frames: Encoded[] = [];
  readonly codec: Codec;
  /** Whether it ever had to wait. */
  slow = false;
  corked = true;
  /** Why the hub closed it. */
  code: number | undefined;
  amount = 0;

  constructor(turn: Turn, limits: OutboxLimits, clock: FakeClock, events: string[]) {
    this.codec = turn.codec;
    this.surface = { serverToClient: new Map(events.map((name) => [name, { name }])) } as unknown as Surface;
    const amount = () => this.amount;
    const link = {
      subprotocol: "",
      get bufferedAmount() {
        return amount();
      },
      send: (frame: Encoded) => {
        this.frames.push(frame);
        this.amount += frame.length;
        if (this.amount >= limits.highWaterBytes) this.slow = true;
      },
      close: (code: number) => void (this.code = code),
    };
    this.outbox = new Outbox(link, turn, { limits, clock });
  }

  uncork(answers: boolean): void {
    if (!this.outbox.closed) this.corked = false;
    if (this.outbox.held > 0) this.slow = true;
    this.outbox.uncork(numbered(WELCOME), answers);
  }

  /** The client reads all that has left. */
  drain(): void {
    this.amount = 0;
    if (this.code === undefined) this.outbox.drained();
  }

  /** Fails unless it got what it had to. */
  check({ policy, maxFrameMessages }: OutboxLimits, conflates: boolean): void {
    const frames = this.frames.map((frame) => this.codec.decode(frame));
    for (const { length } of frames) assert(length > 0 && length <= maxFrameMessages, `${length} in a frame`);
    const got = frames.flat()
      .map((message) => (message as unknown[])[2] as number);
    if (!this.corked) assertEquals(got.shift(), WELCOME);
    const rest = got.values();
    let next = rest.next();
    let missing = 0;
    let afterGap = 0;
    for (const { n, essential } of this.expected) {
      if (next.value === n) {
        next = rest.next();
        if (missing > 0) afterGap++;
      } else {
        missing++;
        if (!this.outbox.closed) assert(!essential, `${n} must not be dropped`);
      }
    }
    assertEquals(next.done, true, `got ${next.value} twice, in disorder, or though it is for others`);
    if (!this.outbox.closed) assertEquals(this.outbox.dropped, missing, "it must count all that it drops");
    if (policy === "close" && !conflates) assertEquals(afterGap, 0, "nothing comes after what is lost");
    if (!this.slow && this.code === undefined && !this.outbox.closed) assertEquals(missing, 0);
  }
}

const step = fc.record({
  what: fc.oneof(
    { weight: 10, arbitrary: fc.constantFrom("deliver", "except", "event") },
    { weight: 5, arbitrary: fc.constantFrom("push", "own", "flush", "reply", "done", "bad") },
    { weight: 6, arbitrary: fc.constantFrom("add", "add", "add", "delete") },
    { weight: 6, arbitrary: fc.constantFrom("end", "drain", "uncork", "greet", "time") },
  ),
  g: fc.nat(3),
  c: fc.nat(CONNECTIONS - 1),
  urgency: fc.nat(URGENCIES.length - 1),
  padding: fc.nat(60),
});

/** Every combination is met: slow clients of two codecs, in any groups, with any limits. */
const shape = fc.record({
  limits: fc.record({
    maxMessages: fc.constantFrom(2, 10, 40, Infinity),
    maxBytes: fc.constantFrom(200, 2_000, Infinity),
    policy: fc.constantFrom("close" as const, "drop" as const),
    maxFrameMessages: fc.integer({ min: 1, max: 12 }),
    maxFrameLength: fc.constantFrom(1, 60, 10_000),
    highWaterBytes: fc.constantFrom(1, 100, 600, Infinity),
  }),
  conflates: fc.boolean(),
  steps: fc.array(step, { maxLength: 200, size: "max" }),
});

test("cohort: slow members of two codecs lose only what may be dropped, and each gets the rest once, in order (promises 2, 3, 8)", () => {
  const seen = { closed: 0, dropped: 0, exact: 0 };
  fc.assert(
    fc.property(shape, ({ limits, conflates, steps }) => {
      const clock = new FakeClock();
      const ends: (() => void)[] = [];
      const endOfTurn = (end: () => void) => void ends.push(end);
      const turns = [jsonCodec, new CountingCodec()].map((codec) => new Turn(codec, limits, { endOfTurn }));
      const peers = Array.from(
        { length: CONNECTIONS },
        (_, i) => new Peer(turns[i & 1]!, limits, clock, i % 4 < 2 ? ["e"] : ["f"]),
      );
      const conns = peers as unknown as Connection[];
      const hears = (i: number) => i % 4 < 2;
      for (const peer of peers.slice(4)) peer.uncork(false);
      const groups = Array.from({ length: 4 }, () => new Group());
      const end = () => ends.splice(0).forEach((call) => call());
      for (const [n, { what, g, c, urgency, padding }] of steps.entries()) {
        const [group, peer] = [groups[g]!, peers[c]!];
        const kind = conflates ? URGENCIES[urgency] : URGENCIES[urgency & 1];
        const message = numbered(n, kind, "x".repeat(padding));
        const expect = (takes: (i: number) => boolean) => {
          for (const [i, other] of peers.entries()) {
            if (takes(i) && !other.outbox.closed) other.expected.push({ n, essential: kind === undefined });
          }
        };
        const inGroup = (i: number) => group.has(conns[i]!);
        if (what === "deliver") {
          expect(inGroup);
          group.deliver(message);
        } else if (what === "except") {
          expect((i) => inGroup(i) && i !== c);
          group.deliver(message, { except: conns[c] });
        } else if (what === "event") {
          expect((i) => inGroup(i) && hears(i));
          group.deliver(message, { event: "e" });
        } else if (what === "push" || what === "own") {
          expect((i) => i === c);
          if (what === "push") peer.outbox.push(message);
          else peer.outbox.pushOwn(message);
        } else if (what === "bad") {
          const bad = () => new OutgoingMessage(["ev", "n", { toJSON: () => 1n }]);
          let failed = 0;
          const calls = [
            () => group.deliver(bad(), { except: conns[c] }),
            () => peer.outbox.push(bad()),
            () => peer.outbox.pushOwn(bad()),
          ];
          for (const call of calls) {
            try {
              call();
            } catch {
              failed++;
            }
          }
          assertEquals(failed, (group.size > 0 ? 1 : 0) + (peer.outbox.closed ? 0 : 2));
        } else if (what === "flush") peer.outbox.flush();
        else if (what === "reply") peer.outbox.beginReply();
        else if (what === "done") peer.outbox.endReply();
        else if (what === "add") group.add(conns[c]!);
        else if (what === "delete") group.delete(conns[c]!);
        else if (what === "end") end();
        else if (what === "drain") peer.drain();
        else if (what === "uncork" || what === "greet") peer.uncork(what === "greet");
        else clock.advance(60);
      }
      for (const { outbox } of peers) outbox.endReply();
      end();
      // A client that reads at last gets everything that waits.
      for (let more = 1; more > 0;) {
        for (const peer of peers) peer.drain();
        more = peers.filter(({ outbox, corked }) => !corked && outbox.held > 0).length;
      }
      for (const peer of peers) {
        if (peer.corked) assertEquals(peer.frames, []);
        else peer.check(limits, conflates);
        if (peer.code !== undefined) assertEquals(peer.code, CLOSE_CODES.SLOW_CONSUMER);
        if (peer.code !== undefined) seen.closed++;
        else if (peer.outbox.dropped > 0) seen.dropped++;
        else seen.exact++;
      }
    }),
    runs(1_000),
  );
  assert(seen.closed > 100 && seen.dropped > 100 && seen.exact > 100, JSON.stringify(seen));
});
