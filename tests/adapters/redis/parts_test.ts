import { assert, assertEquals, assertRejects } from "@std/assert";
import { connectFailure, isReply, showable } from "../../../adapters/kit/redis/errors.ts";
import type { RedisMessage } from "../../../adapters/kit/redis/link.ts";
import { RedisProbe } from "../../../adapters/redis/probe.ts";
import { RedisSubscriptions } from "../../../adapters/redis/subscriptions.ts";
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
  const probe = new RedisProbe(clock, 1_000, "p");
  const link = publisher();
  const verdicts: unknown[] = [];
  const running = probe.run(link).then((verdict) =>
    void verdicts.push(typeof verdict === "string" ? verdict : verdict.dead)
  );
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
  assertEquals([verdicts, clock.pending], [["alive"], 0]);
});

test("redis probe: silence has a name: the publisher's, or the subscriber's", async () => {
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

test("redis probe: a process that was busy itself reads first what has come meanwhile", async () => {
  const { clock, link, probe, verdicts } = startProbe();
  clock.jump(30_000); // nothing ran for half a minute
  clock.advance(0);
  await settle();
  assertEquals(verdicts, []);
  link.answer(1);
  probe.hear("1");
  await settle();
  assertEquals(verdicts, ["alive"]);
});

test("redis probe: one that is stopped says neither, and leaves no timer", async () => {
  const { clock, probe, verdicts, running } = startProbe();
  probe.stop();
  await running;
  assertEquals([verdicts, clock.pending], [["stopped"], 0]);
});

/** A connection that answers when it is told. */
function connection() {
  const commands: string[] = [];
  const answers: ((error?: Error) => void)[] = [];
  const say = (kind: string) => (channels: readonly string[]) => {
    commands.push(`${kind} ${channels.length > 3 ? channels.length : channels.join()}`);
    return new Promise<void>((resolve, reject) => answers.push((error) => error ? reject(error) : resolve()));
  };
  const answer = async (error?: Error) => {
    for (const one of answers.splice(0)) one(error);
    await settle();
  };
  return { commands, answer, subscribe: say("sub"), unsubscribe: say("unsub") };
}

const within = <T>(step: Promise<T>): Promise<T> => step;

test("redis subscriptions: one turn is one command for what is alike, and the last word stays the last", async () => {
  const subscriptions = new RedisSubscriptions();
  const link = connection();
  await subscriptions.attach(link, within);
  const said = [subscriptions.subscribe("a", "A"), subscriptions.subscribe("b", "B")];
  said.push(subscriptions.unsubscribe("c"), subscriptions.subscribe("d", "D"));
  await settle();
  assertEquals(link.commands, ["sub a,b", "unsub c", "sub d"]);
  await link.answer();
  await Promise.all(said);
  assertEquals(["a", "b", "c", "d"].map((channel) => subscriptions.nameOf(channel)), [
    "A",
    "B",
    undefined,
    "D",
  ]);
});

test("redis subscriptions: who waits when a connection is lost waits for the next, whatever became of the command", async () => {
  const subscriptions = new RedisSubscriptions();
  const settled: string[] = [];
  const want = (channel: string) => {
    subscriptions.subscribe(channel, channel).then(
      () => settled.push(channel),
      (error) => settled.push(error.message),
    );
  };
  want("early");
  const first = connection();
  subscriptions.attach(first, within).catch(() => {});
  await settle();
  want("under way");
  await settle();
  want("of this turn");
  // Its commands fail before anybody says that it is lost.
  await first.answer(new Error("Connection is closed."));
  subscriptions.detach();
  want("between");
  await settle();
  assertEquals(settled, []);
  const second = connection();
  const attached = subscriptions.attach(second, within);
  await settle();
  assertEquals(second.commands, ["sub 4"]);
  await second.answer();
  await attached;
  assertEquals(settled, ["early", "under way", "of this turn", "between"]);
});

test("redis subscriptions: an unsubscribe on a connection that is lost is done, and is not taken up again", async () => {
  const subscriptions = new RedisSubscriptions();
  const first = connection();
  await subscriptions.attach(first, within);
  const subscribing = subscriptions.subscribe("a", "A");
  await settle();
  await first.answer();
  await subscribing;
  const leaving = subscriptions.unsubscribe("a");
  await settle();
  subscriptions.detach();
  await first.answer(new Error("Connection is closed."));
  await leaving;
  const second = connection();
  await subscriptions.attach(second, within);
  assertEquals(second.commands, []);
});

test("redis subscriptions: what Redis refuses of many is asked one by one; who does not wait any more fails the connection", async () => {
  const subscriptions = new RedisSubscriptions();
  const link = connection();
  await subscriptions.attach(link, within);
  const [good, bad] = [subscriptions.subscribe("good", "good"), subscriptions.subscribe("bad", "bad")];
  await settle();
  await link.answer(new Error("NOPERM no"));
  assertEquals(link.commands, ["sub good,bad", "sub good", "sub bad"]);
  const refused = assertRejects(() => bad, Error, "NOPERM");
  await link.answer(new Error("NOPERM no"));
  await refused;
  await assertRejects(() => good, Error, "NOPERM");
  assertEquals(subscriptions.nameOf("bad"), undefined);

  const again = subscriptions.subscribe("good", "good");
  await settle();
  await link.answer();
  await again;
  subscriptions.detach();
  const next = connection();
  const attached = assertRejects(() => subscriptions.attach(next, within), Error, "NOPERM");
  await settle();
  await next.answer(new Error("NOPERM no"));
  await attached;
  assertEquals(subscriptions.nameOf("good"), "good"); // it is still wanted, from the next connection
});

test("redis errors: tell no secret, carry no command, and say what Redis says", () => {
  const cause = Object.assign(new Error("WRONGPASS bad hunter2"), {
    command: { args: ["hunter2"] },
    code: "X",
  });
  const { error, refused } = connectFailure(cause, "Redis at h:1", ["hunter2", ""]);
  assertEquals(refused, true);
  assert(error.message.startsWith("Cannot connect to Redis at h:1: it refuses the credentials"));
  assert(error.message.endsWith("(WRONGPASS bad ***)"));
  assertEquals(Object.entries(error.cause as Error), [["code", "X"]]);
  assertEquals(showable(new AggregateError([new Error("a"), new Error("b")]), []).message, "a; b");
  assertEquals(showable(Object.assign(new Error(""), { code: "ECONNREFUSED" }), []).message, "ECONNREFUSED");
  assertEquals(connectFailure(new Error("connect ECONNREFUSED"), "x", []).refused, false);
  assertEquals(
    ["NOPERM no", "ERR no", "Connection is closed.", "read ECONNRESET", "ECONNRESET"].map((text) =>
      isReply(new Error(text))
    ),
    [true, true, false, false, false],
  );
});
