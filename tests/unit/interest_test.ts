import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import fc from "fast-check";
import { HubError } from "../../contract/mod.ts";
import { Interest, type InterestOptions, type Lease } from "../../hub/backplane/interest.ts";
import { runs } from "../contract/runs.ts";
import { FakeClock } from "../fake_clock.ts";
import { test } from "../harness.ts";
import { ScriptedAdapter, settled, watch, type Watched } from "./scripted_adapter.ts";

const TIMEOUT_MS = 100;

function scene(options: Partial<InterestOptions> = {}) {
  const clock = new FakeClock();
  const adapter = new ScriptedAdapter();
  const errors: string[] = [];
  const interest = new Interest({
    adapter,
    clock,
    timeoutMs: TIMEOUT_MS,
    ...options,
    onError: (error, stage, channel) => errors.push(`${stage} ${channel}: ${(error as Error).message}`),
  });
  const acquire = (channel = "a"): Lease & Watched => {
    const lease = interest.acquire(channel);
    return Object.assign(watch(lease.ready), lease);
  };
  return { clock, adapter, errors, interest, acquire };
}

const codeOf = ({ error }: Watched) => {
  assertInstanceOf(error, HubError);
  return error.code;
};

test("interest: many joiners share one subscribe, and the last leaver ends it", async () => {
  const { adapter, interest, acquire } = scene();
  const leases = Array.from({ length: 100 }, () => acquire());
  await settled();
  assert(leases.every(({ state }) => state === "pending"));
  assertEquals([interest.isLive("a"), interest.size], [false, 1]);
  await adapter.succeed("a");
  assert(leases.every(({ state }) => state === "resolved"));
  assertEquals(interest.isLive("a"), true);
  const late = acquire();
  await settled();
  assertEquals(late.state, "resolved");
  assertEquals(adapter.asked, ["subscribe a"]);
  for (const lease of leases) lease.release();
  for (const lease of leases) lease.release(); // twice counts once
  await settled();
  assertEquals(adapter.asked, ["subscribe a"]);
  late.release();
  await settled();
  assertEquals(adapter.asked, ["subscribe a", "unsubscribe a"]);
  await adapter.succeed("a");
  assertEquals([interest.isLive("a"), interest.size, adapter.busy], [false, 0, []]);
});

test("interest: a failed subscribe is rolled back, and the next join starts a new one", async () => {
  const { adapter, interest, acquire, errors } = scene();
  const [one, two] = [acquire(), acquire()];
  await adapter.fail("a");
  for (const lease of [one, two]) assertEquals(codeOf(lease), "UNAVAILABLE");
  assertEquals(errors, ["subscribe a: the backplane says no"]);
  assertEquals([interest.isLive("a"), interest.size], [false, 0]);
  const three = acquire();
  one.release(); // needless, and without effect on the others
  two.release();
  await adapter.succeed("a");
  assertEquals([three.state, interest.isLive("a")], ["resolved", true]);
});

test("interest: an error of the hub's own kind reaches the joiner as it is", async () => {
  const { adapter, acquire } = scene();
  const lease = acquire();
  const error = new HubError("FULL", "too many channels");
  await adapter.fail("a", error);
  assertEquals(lease.error === error, true);
});

test("interest: if the last one leaves before the subscribe is through, the channel is unsubscribed then", async () => {
  const { adapter, interest, acquire } = scene();
  acquire().release();
  await adapter.succeed("a");
  assertEquals(adapter.asked, ["subscribe a", "unsubscribe a"]);
  await adapter.succeed("a");
  assertEquals([interest.size, adapter.busy], [0, []]);
});

test("interest: leaving and joining again before the subscribe is through needs no second one", async () => {
  const { adapter, interest, acquire } = scene();
  acquire().release();
  const again = acquire();
  await adapter.succeed("a");
  assertEquals([again.state, interest.isLive("a"), adapter.asked], ["resolved", true, ["subscribe a"]]);
});

test("interest: a join during the unsubscribe of the last leaver waits for a new subscribe", async () => {
  const { adapter, acquire } = scene();
  const first = acquire();
  await adapter.succeed("a");
  first.release();
  const second = acquire();
  await settled();
  assertEquals(second.state, "pending");
  await adapter.succeed("a");
  assertEquals(second.state, "pending");
  assertEquals(adapter.asked, ["subscribe a", "unsubscribe a", "subscribe a"]);
  await adapter.succeed("a");
  assertEquals(second.state, "resolved");
});

test("interest: a failed unsubscribe is reported, and stops no other", async () => {
  const { adapter, acquire, errors, interest } = scene();
  const first = acquire();
  await adapter.succeed("a");
  first.release();
  await adapter.fail("a");
  assertEquals(errors, ["unsubscribe a: the backplane says no"]);
  assertEquals(interest.size, 0);
  const second = acquire();
  await adapter.succeed("a");
  assertEquals(second.state, "resolved");
});

test("interest: a subscribe that takes too long rejects, and its late success is undone", async () => {
  const { clock, adapter, interest, acquire } = scene();
  const early = acquire();
  clock.advance(TIMEOUT_MS);
  await settled();
  assertEquals(codeOf(early), "TIMEOUT");
  await adapter.succeed("a");
  assertEquals(adapter.asked, ["subscribe a", "unsubscribe a"]);
  await adapter.succeed("a");
  assertEquals([interest.size, clock.pending], [0, 0]);
});

test("interest: a join of a subscribe that has timed out is served by it, or rejected in time", async () => {
  for (const answered of [true, false]) {
    const { clock, adapter, acquire } = scene();
    acquire();
    clock.advance(TIMEOUT_MS);
    const late = acquire();
    if (answered) await adapter.succeed("a");
    clock.advance(TIMEOUT_MS);
    await settled();
    assertEquals(late.state, answered ? "resolved" : "rejected");
    assertEquals(clock.pending, 0);
  }
});

test("interest: close refuses waiting and new joins, and leaves no timer", async () => {
  const { clock, adapter, interest, acquire } = scene();
  const waiting = acquire("a");
  const kept = interest.keep("b");
  interest.close();
  const late = acquire("c");
  await settled();
  for (const lease of [waiting, late]) assertEquals(codeOf(lease), "UNAVAILABLE");
  await kept.settled;
  assertEquals([interest.size, clock.pending], [0, 0]);
  waiting.release();
  kept.release();
  await adapter.succeed("a");
  await adapter.fail("b");
  assertEquals(adapter.asked, ["subscribe a", "subscribe b"]);
  assertEquals(clock.pending, 0);
});

test("interest: a channel that is kept is tried again after one, two, four seconds, later every thirty", async () => {
  const { clock, adapter, interest } = scene();
  const kept = interest.keep("a");
  await adapter.fail("a");
  await kept.settled;
  for (const delayMs of [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]) {
    const { length } = adapter.asked;
    clock.advance(delayMs - 1);
    await settled();
    assertEquals(adapter.asked.length, length, `after ${delayMs - 1} ms`);
    clock.advance(1);
    await settled();
    assertEquals(adapter.asked.length, length + 1, `after ${delayMs} ms`);
    await adapter.fail("a");
  }
  clock.advance(30_000);
  await adapter.succeed("a");
  assertEquals([interest.isLive("a"), clock.pending], [true, 0]);
  kept.release();
  await adapter.succeed("a");
  assertEquals([interest.isLive("a"), interest.size, clock.pending], [false, 0, 0]);
});

test("interest: a channel that is no longer kept is not tried again", async () => {
  const { clock, adapter, interest } = scene();
  const kept = interest.keep("a");
  await adapter.fail("a");
  await kept.settled;
  assertEquals(clock.pending, 1);
  kept.release();
  assertEquals(clock.pending, 0);
  clock.advance(60_000);
  await settled();
  assertEquals(adapter.asked, ["subscribe a"]);
});

type Step = readonly ["acquire" | "release" | "succeed" | "fail" | "advance", number];
const CHANNELS = ["a", "b"];

test("interest: in any order of events the backplane ends with the wanted channels, one operation at a time", async () => {
  const step: fc.Arbitrary<Step> = fc.tuple(
    fc.constantFrom("acquire", "acquire", "release", "succeed", "fail", "advance"),
    fc.nat({ max: 60 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40, size: "max" }), async (steps) => {
      const { clock, adapter, interest, acquire } = scene();
      const leases: (Lease & Watched & { channel: string; released: boolean })[] = [];
      for (const [what, n] of steps) {
        const channel = CHANNELS[n % CHANNELS.length]!;
        if (what === "acquire") leases.push(Object.assign(acquire(channel), { channel, released: false }));
        else if (what === "succeed") await adapter.succeed(channel);
        else if (what === "fail") await adapter.fail(channel);
        else if (what === "advance") clock.advance(n);
        else {
          const lease = leases[n % Math.max(1, leases.length)];
          if (lease) lease.released = true;
          lease?.release();
        }
        if (n % 3 === 0) await settled();
        for (const lease of leases) {
          if (!lease.released && lease.state === "resolved") assert(interest.isLive(lease.channel));
        }
      }
      clock.advance(TIMEOUT_MS);
      await settled();
      // Nobody waits any longer, even where the adapter has never answered.
      for (const { released, state } of leases) assert(released || state !== "pending", "a joiner hangs");
      for (let rounds = 0; adapter.busy.length > 0; rounds++) {
        assert(rounds < 10, "the backplane is asked without an end");
        for (const channel of adapter.busy) await adapter.succeed(channel);
      }
      assertEquals(adapter.breaches, []);
      const wanted = (channel: string) =>
        leases.some((lease) => lease.channel === channel && !lease.released && lease.state === "resolved");
      for (const channel of CHANNELS) {
        assertEquals(interest.isLive(channel), wanted(channel), channel);
        assertEquals(adapter.subscribed.has(channel), wanted(channel), channel);
      }
      assertEquals(interest.size, CHANNELS.filter(wanted).length);
      for (const lease of leases) lease.release();
      await settled();
      for (const channel of adapter.busy) await adapter.succeed(channel);
      assertEquals([interest.size, adapter.subscribed.size, clock.pending], [0, 0, 0]);
    }),
    runs(250),
  );
});

test("interest: the adapter gets no calls before it opens, and never those that were given up until then", async () => {
  const { adapter, interest, acquire } = scene({ held: true });
  const stays = acquire("stays");
  acquire("goes").release();
  await settled();
  assertEquals([adapter.asked, interest.size], [[], 1]);
  interest.begin();
  assertEquals(adapter.asked, ["subscribe stays"]);
  await adapter.succeed("stays");
  assertEquals(stays.state, "resolved");
});

test("interest: a join that waits for an adapter that does not open is refused in time, and leaves nothing behind", async () => {
  const { adapter, interest, acquire, clock } = scene({ held: true });
  const early = acquire();
  clock.advance(TIMEOUT_MS);
  await settled();
  assertEquals([codeOf(early), interest.size, clock.pending], ["TIMEOUT", 0, 0]);
  const late = acquire();
  early.release(); // needless, and without effect on the other
  await settled();
  assertEquals(interest.size, 1);
  interest.begin();
  await adapter.succeed("a");
  assertEquals(late.state, "resolved");
});

test("interest: a join that does not need the channel succeeds at once, and the channel goes live when it can", async () => {
  let optional = true;
  const { adapter, interest, acquire, clock, errors } = scene({ held: true, optional: () => optional });
  const [one, two] = [acquire(), acquire()];
  await settled();
  assertEquals([one.state, two.state, interest.isLive("a"), clock.pending], [
    "resolved",
    "resolved",
    false,
    0,
  ]);
  optional = false;
  const waits = acquire(); // has its own time limit
  await settled();
  assertEquals([waits.state, clock.pending], ["pending", 1]);
  interest.begin();
  await adapter.fail("a");
  assertEquals([codeOf(waits), errors.length], ["UNAVAILABLE", 1]);
  interest.retry();
  await adapter.succeed("a");
  assertEquals([interest.isLive("a"), adapter.asked.length], [true, 2]);
  one.release();
  await settled();
  assertEquals(interest.isLive("a"), true);
  two.release();
  await adapter.succeed("a");
  assertEquals([interest.size, adapter.busy, clock.pending], [0, [], 0]);
});
