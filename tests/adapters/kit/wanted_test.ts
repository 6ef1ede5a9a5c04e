import { assertEquals, assertRejects } from "@std/assert";
import { Wanted } from "../../../adapters/kit/wanted.ts";
import type { Clock } from "../../../contract/mod.ts";
import { FakeClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";

/** Lets promises settle that need no time. */
async function settle(): Promise<void> {
  for (let i = 0; i < 20; i++) await Promise.resolve();
}

type Answer = Error | readonly (Error | undefined)[] | void;

/** A connection that answers when it is told. */
function connection() {
  const commands: string[] = [];
  const answers: ((answer?: Answer) => void)[] = [];
  const broken: string[] = [];
  const say = <T>(kind: string) => (names: readonly string[]) => {
    commands.push(`${kind} ${names.length > 3 ? names.length : names.join()}`);
    return new Promise<T>((resolve, reject) =>
      answers.push((answer) => answer instanceof Error ? reject(answer) : resolve(answer as T))
    );
  };
  const answer = async (answer?: Answer) => {
    for (const one of answers.splice(0)) one(answer);
    await settle();
  };
  return {
    commands,
    answer,
    broken,
    subscribe: say<readonly (Error | undefined)[] | void>("sub"),
    unsubscribe: say<void>("unsub"),
    onBroken: (error: Error) => void broken.push(error.message),
  };
}

const within = <T>(step: Promise<T>): Promise<T> => step;

function scene() {
  const clock = new FakeClock();
  const told: string[] = [];
  const wanted = new Wanted({
    clock,
    batchSize: 500,
    onRefused: (channel, error) => void told.push(`refused ${channel}: ${error.message}`),
    onBack: (channel) => void told.push(`back ${channel}`),
  });
  return { clock, told, wanted };
}

/** A scene with a connection on which `A` is live. */
async function live() {
  const all = scene();
  const link = connection();
  await all.wanted.attach(link, within);
  const subscribing = all.wanted.subscribe("a", "A");
  await settle();
  await link.answer();
  await subscribing;
  link.commands.length = 0;
  return { ...all, link };
}

test("wanted: the requests of many clients in one turn are one command", async () => {
  const ends: (() => void)[] = [];
  const clock: Clock = Object.assign(new FakeClock(), {
    endOfTurn: (end: () => void) => void ends.push(end),
  });
  const wanted = new Wanted({ clock, batchSize: 500, onRefused() {}, onBack() {} });
  const link = connection();
  await wanted.attach(link, within);
  const joins: Promise<void>[] = [];
  for (const name of ["a", "b", "c"]) {
    joins.push(wanted.subscribe(name, name.toUpperCase()));
    await settle(); // each is heard in a callback of its own
  }
  assertEquals(link.commands, []);
  for (const end of ends) end();
  assertEquals(link.commands, ["sub a,b,c"]);
  await link.answer();
  await Promise.all(joins);
});

test("wanted: the requests of one turn are one command, and a channel has one command at a time", async () => {
  const { wanted, link } = await live();
  const left = wanted.unsubscribe("a");
  const joins = ["b", "c"].map((name) => wanted.subscribe(name, name.toUpperCase()));
  await settle();
  assertEquals(link.commands, ["unsub a", "sub b,c"]);
  // While its end is under way it is wanted again: that is another command, after the answer.
  const again = wanted.subscribe("a", "A");
  await settle();
  assertEquals(link.commands.length, 2);
  await link.answer();
  await Promise.all([left, ...joins]);
  assertEquals(link.commands.slice(2), ["sub a"]);
  await link.answer();
  await again;
  assertEquals(["a", "b", "x"].map((name) => wanted.channelOf(name)), ["A", "B", undefined]);
});

test("wanted: a waiter whose connection is lost waits for the next one, even if the command succeeded or failed", async () => {
  const { wanted } = scene();
  const settled: string[] = [];
  const want = (name: string) => {
    wanted.subscribe(name, name).then(() => settled.push(name), (error) => settled.push(error.message));
  };
  want("early");
  const first = connection();
  wanted.attach(first, within).catch(() => {});
  await settle();
  want("under way");
  await settle();
  want("of this turn");
  // Its commands fail before anybody says that it is lost.
  await first.answer(new Error("Connection is closed."));
  assertEquals(first.broken, ["Connection is closed.", "Connection is closed."]);
  wanted.detach();
  want("between");
  await settle();
  assertEquals(settled, []);
  const second = connection();
  const attached = wanted.attach(second, within);
  await settle();
  assertEquals(second.commands, ["sub 4"]);
  await second.answer();
  await attached;
  assertEquals(settled, ["early", "under way", "of this turn", "between"]);
});

test("wanted: a live channel that is left and wanted again in one turn stays live, and both callers get an answer", async () => {
  const { wanted, link } = await live();
  const leaving = wanted.unsubscribe("a");
  const again = wanted.subscribe("a", "A");
  await Promise.all([leaving, again]);
  assertEquals([link.commands, wanted.channelOf("a")], [[], "A"]);
  const left = wanted.unsubscribe("a");
  await settle();
  await link.answer();
  await left;
  assertEquals(link.commands, ["unsub a"]);
});

test("wanted: an unsubscribe on a lost connection counts as done, and is not repeated", async () => {
  const { wanted, link } = await live();
  const leaving = wanted.unsubscribe("a");
  await settle();
  wanted.detach();
  await leaving;
  await link.answer(new Error("Connection is closed."));
  const second = connection();
  await wanted.attach(second, within);
  assertEquals(second.commands, []);
});

test("wanted: an unsubscribe that the engine refuses rejects, and a later subscribe is a command again", async () => {
  const { wanted, link } = await live();
  const leaving = assertRejects(() => wanted.unsubscribe("a"), Error, "NOPERM");
  await settle();
  await link.answer(new Error("NOPERM no"));
  await leaving;
  const again = wanted.subscribe("a", "A");
  await settle();
  assertEquals(link.commands, ["unsub a", "sub a"]);
  await link.answer();
  await again;
});

test("wanted: of many subscribes only the one that the engine refuses rejects", async () => {
  const { wanted, link } = await live();
  const [good, bad] = ["good", "bad"].map((name) => wanted.subscribe(name, name));
  await settle();
  const refused = assertRejects(() => bad!, Error, "NOPERM");
  await link.answer([undefined, new Error("NOPERM no")]);
  await Promise.all([good, refused]);
  assertEquals([wanted.channelOf("good"), wanted.channelOf("bad")], ["good", undefined]);
});

test("wanted: a live channel that is refused is reported once, tried again, and reported when it is back", async () => {
  const { wanted, clock, told } = await live();
  const next = connection();
  const attached = wanted.attach(next, within);
  await next.answer([new Error("NOPERM no")]);
  await attached;
  for (let round = 0; round < 2; round++) {
    clock.advance(5_000);
    await settle();
    await next.answer(round === 0 ? [new Error("NOPERM no")] : undefined);
  }
  assertEquals(next.commands, ["sub a", "sub a", "sub a"]);
  assertEquals(told, ["refused A: NOPERM no", "back A"]);
  wanted.refused("a", new Error("taken back"));
  assertEquals(told.at(-1), "refused A: taken back");
  wanted.close(new Error("closed"));
  assertEquals(clock.pending, 0);
});

test("wanted: a signal ends the wait in every state, with its reason, and leaves nothing behind", async () => {
  const { wanted } = scene();
  const [away, under, late] = [new AbortController(), new AbortController(), new AbortController()];
  const subscribe = (name: string, { signal }: AbortController) =>
    assertRejects(() => wanted.subscribe(name, name, signal), Error, "enough");
  const waits = [subscribe("away", away)];
  away.abort(new Error("enough"));
  const link = connection();
  await wanted.attach(link, within);
  assertEquals(link.commands, []);
  waits.push(subscribe("under", under));
  await settle();
  under.abort(new Error("enough"));
  await Promise.all(waits);
  await link.answer();
  assertEquals(link.commands, ["sub under", "unsub under"]);
  await link.answer();
  const joined = wanted.subscribe("late", "late", late.signal);
  await settle();
  await link.answer();
  await joined;
  late.abort(new Error("enough"));
  await settle();
  assertEquals([wanted.channelOf("late"), link.commands.at(-1)], ["late", "sub late"]);
});

test("wanted: a connection that throws in place of a rejection fails the calls, and nothing else", async () => {
  const { wanted } = scene();
  const broken: string[] = [];
  let isBad = false;
  const say = () => {
    if (isBad) throw new Error("It was stopped");
    return Promise.resolve();
  };
  const link = {
    subscribe: say,
    unsubscribe: say,
    onBroken: (error: Error) => void broken.push(error.message),
  };
  await wanted.attach(link, within);
  await wanted.subscribe("a", "A");
  isBad = true;
  await assertRejects(() => wanted.unsubscribe("a"), Error, "It was stopped");
  assertEquals(broken, []);
  wanted.subscribe("b", "B").catch(() => {});
  await settle();
  assertEquals(broken, ["It was stopped"]);
});
