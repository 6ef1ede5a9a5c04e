import { assert, assertEquals } from "@std/assert";
import { showable } from "../../../adapters/kit/failure.ts";
import { isReply, redisFailure } from "../../../adapters/kit/redis/errors.ts";
import type { RedisMessage } from "../../../adapters/kit/redis/link.ts";
import { RedisProbe } from "../../../adapters/redis/probe.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";

/** Lets promises settle that need no time. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

/** A publisher whose answers the test gives. */
function publisher() {
  const sent: string[] = [];
  let answer = (_receivers: number | Error) => {};
  return {
    sent,
    answer: (receivers: number | Error) => answer(receivers),
    publish: (messages: readonly RedisMessage[]) => {
      for (const { data } of messages) sent.push(String(data));
      return new Promise<(number | Error)[]>((resolve) => answer = (receivers) => resolve([receivers]));
    },
  };
}

function startProbe() {
  const clock = new FakeClock();
  const probe = new RedisProbe(clock, 1_000);
  const link = publisher();
  const verdicts: unknown[] = [];
  const running = probe.run(link).then((verdict) => void verdicts.push(verdict?.dead ?? "no verdict"));
  return { clock, probe, link, verdicts, running };
}

test("redis probe: it is alive when its own message comes back, and an older one does not count", async () => {
  const { clock, probe, link, verdicts } = startProbe();
  link.answer(1);
  await settle();
  probe.hear("0");
  await settle();
  assertEquals(verdicts, []);
  probe.hear("1");
  await settle();
  assertEquals([verdicts, clock.pending], [["no verdict"], 0]);
});

test("redis probe: a silent connection is named: the publisher's, or the subscriber's", async () => {
  const silent = startProbe();
  silent.clock.advance(1_000);
  await settle();
  assertEquals(silent.verdicts, ["publisher"]);

  const deaf = startProbe();
  deaf.link.answer(1);
  await settle();
  deaf.clock.advance(1_000);
  await settle();
  assertEquals(deaf.verdicts, ["subscriber"]);

  const forgotten = startProbe();
  forgotten.link.answer(0);
  await settle();
  assertEquals(forgotten.verdicts, ["subscriber"]);

  const refused = startProbe();
  refused.link.answer(new Error("NOPERM no"));
  await settle();
  assertEquals(refused.verdicts, ["publisher"]);
});

test("redis probe: as long as a connection gives signs it is not dead, and the other's signs do not count", async () => {
  const { clock, probe, link, verdicts } = startProbe();
  clock.advance(600);
  probe.sign("publisher");
  clock.advance(600);
  await settle();
  assertEquals(verdicts, []);
  link.answer(1);
  await settle();
  for (let i = 0; i < 5; i++) {
    clock.advance(600);
    probe.sign("subscriber");
  }
  await settle();
  assertEquals(verdicts, []);
  clock.advance(600);
  probe.sign("publisher");
  clock.advance(600);
  await settle();
  assertEquals(verdicts, ["subscriber"]);
});

test("redis probe: a process that was busy itself first reads the data that have arrived", async () => {
  const { clock, link, probe, verdicts } = startProbe();
  clock.jump(30_000); // nothing ran for half a minute
  clock.advance(0);
  await settle();
  assertEquals(verdicts, []);
  link.answer(1);
  probe.hear("1");
  await settle();
  assertEquals(verdicts, ["no verdict"]);
});

test("redis probe: a stopped probe reports nothing, and leaves no timer", async () => {
  const { clock, probe, verdicts, running } = startProbe();
  probe.stop();
  await running;
  assertEquals([verdicts, clock.pending], [["no verdict"], 0]);
});

test("redis errors contain no secret and no command, and repeat what Redis says", () => {
  const cause = Object.assign(new Error("WRONGPASS bad hunter2"), {
    command: { args: ["hunter2"] },
    code: "X",
  });
  const { error, kind } = redisFailure(cause, "Redis at h:1", ["hunter2", ""]);
  assertEquals(kind, "refused");
  assert(error.message.startsWith("Cannot connect to Redis at h:1: it refuses the credentials"));
  assert(error.message.endsWith("(WRONGPASS bad ***)"));
  assertEquals(Object.entries(error.cause as Error), [["code", "X"]]);
  assertEquals(showable(new AggregateError([new Error("a"), new Error("b")]), []).message, "a; b");
  assertEquals(showable(Object.assign(new Error(""), { code: "ECONNREFUSED" }), []).message, "ECONNREFUSED");
  assertEquals(redisFailure(new Error("connect ECONNREFUSED"), "x", []).kind, "unreachable");
  assertEquals(
    ["NOPERM no", "ERR no", "Connection is closed.", "read ECONNRESET", "ECONNRESET"].map((text) =>
      isReply(new Error(text))
    ),
    [true, true, false, false, false],
  );
});
