import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { opened, reopened, retried, turn } from "./setup.ts";

const denied = { code: "FORBIDDEN", message: "Not yours" };

test("on reconnect all topics are subscribed again in one frame, before anything else", async () => {
  const rig = await opened();
  const topics = Array.from({ length: 150 }, (_, i) => `ticker/${i}` as const);
  const subs = topics.map((topic) => rig.client.subscribe(topic, () => {}));
  subs[0]!.unsubscribe();
  rig.server.link.close();
  rig.client.signal("typing", { room: "a" });
  const late = rig.client.subscribe("stats", () => {});
  await retried(rig);
  rig.server.link.welcome();
  await turn();
  const [, frame, rest] = rig.server.link.frames;
  assertEquals(frame!.map((message) => message[2]), [...topics.slice(1), "stats"]);
  assertEquals(rest, [["sig", "typing", { room: "a" }]]);
  for (const { topic } of [...subs.slice(1), late]) rig.server.link.accept(topic);
  await Promise.all([...subs.slice(1), late].map(({ ready }) => ready));
  await rig.client.close();
});

test("a subscription that is live again reports this; without history messages may be missing", async () => {
  const rig = await opened();
  const recoveries: unknown[] = [];
  const onRecovery = (recovery: unknown) => void recoveries.push(recovery);
  const sub = rig.client.subscribe("stats", () => {}, { onRecovery });
  await turn();
  rig.server.link.accept("stats");
  assertEquals(recoveries, []);
  rig.server.link.close();
  assertEquals(sub.status, "pending");
  await sub.ready; // it was live once
  const second = rig.client.subscribe("stats", () => {}, { onRecovery });
  await retried(rig);
  rig.server.link.welcome();
  await turn();
  rig.server.link.accept("stats");
  await second.ready;
  assertEquals(recoveries, [{ topic: "stats", recovered: false }]);
  assertEquals([sub.status, second.status], ["live", "live"]);
  await rig.client.close();
});

test("a denial on resubscribe ends that subscription only, and is reported", async () => {
  const rig = await opened();
  const { client, errors } = rig;
  const gone = client.subscribe("ticker/A", () => {});
  const kept = client.subscribe("stats", () => {});
  await turn();
  rig.server.link.accept("ticker/A");
  rig.server.link.accept("stats");
  await Promise.all([gone.ready, kept.ready]);
  await reopened(rig);
  rig.server.link.say(["err", rig.server.link.subId("ticker/A"), denied]);
  rig.server.link.accept("stats");
  assertEquals([gone.status, kept.status, (await gone.closed)?.code], ["ended", "live", "FORBIDDEN"]);
  assertEquals(errors.map(({ info }) => info), [{ stage: "subscribe", name: "ticker/A" }]);
  await reopened(rig);
  assertEquals(rig.server.link.sent("sub").map(([, , topic]) => topic), ["stats"]);
  await client.close();
});

test("a resubscribe that fails for now is reported and tried again, with backoff", async () => {
  const rig = await opened();
  const { client, clock, errors } = rig;
  const sub = client.subscribe("stats", () => {});
  await turn();
  rig.server.link.accept("stats");
  await reopened(rig);
  const { link } = rig.server;
  for (const [i, waitMs] of [250, 500].entries()) {
    link.say(["err", link.subId("stats"), { code: "UNAVAILABLE", message: "Backplane" }]);
    clock.advance(waitMs - 1);
    await turn();
    assertEquals(link.sent("sub").length, i + 1);
    clock.advance(1);
    await turn();
    assertEquals(link.sent("sub").length, i + 2);
  }
  link.accept("stats");
  assertEquals(sub.status, "live");
  assertEquals(clock.pending, 2); // the watchdogs of the link and of sleep
  assertEquals(errors.map(({ info }) => info), Array(2).fill({ stage: "subscribe", name: "stats" }));

  await reopened(rig);
  rig.server.link.say(["err", rig.server.link.subId("stats"), { code: "UNAVAILABLE", message: "Backplane" }]);
  sub.unsubscribe();
  clock.advance(5_000);
  await turn();
  assertEquals(rig.server.link.messages.slice(1).map(([kind]) => kind), ["sub"]);
  await client.close();
  assertEquals(clock.pending, 0);
});

test("a resubscribe that is refused waits no longer than 3 seconds for a minute, and for as long as the server wishes", async () => {
  const rig = await opened({ random: () => 1 - Number.EPSILON });
  const { client, clock } = rig;
  client.subscribe("stats", () => {});
  await turn();
  rig.server.link.accept("stats");
  await reopened(rig);
  /** How long it waits after it was refused, in whole milliseconds. */
  const waitAfterRefusal = async (data?: unknown) => {
    const { link } = rig.server;
    const before = link.sent("sub").length;
    const from = clock.now();
    link.say(["err", link.subId("stats"), { code: "UNAVAILABLE", message: "The store is away", data }]);
    while (link.sent("sub").length === before) {
      clock.advance(100);
      link.say(["pong"]); // the link is alive
      await turn();
    }
    return Math.round(clock.now() - from);
  };
  const since = clock.now();
  const waits: number[] = [];
  while (clock.now() - since < 60_000) waits.push(await waitAfterRefusal());
  assertEquals(waits.slice(0, 5), [500, 1_000, 2_000, 3_000, 3_000]);
  assertEquals(Math.max(...waits), 3_000);
  assertEquals(await waitAfterRefusal(), 6_000);
  assertEquals(await waitAfterRefusal({ retryInMs: 5_000 }), 17_000);
  rig.server.link.accept("stats");
  await reopened(rig);
  waits.length = 0;
  for (let i = 0; i < 4; i++) waits.push(await waitAfterRefusal());
  assertEquals(waits, [500, 1_000, 2_000, 3_000], "having been live, it starts over");
  await client.close();
  assertEquals(clock.pending, 0);
});

test("a resubscribe that waits for its next try does not wait beyond the link", async () => {
  let draw = 0;
  const rig = await opened({ random: () => draw });
  const { client, clock } = rig;
  const sub = client.subscribe("stats", () => {});
  await turn();
  rig.server.link.accept("stats");
  await reopened(rig);
  const fail = () => {
    const { link } = rig.server;
    link.say(["err", link.subId("stats"), { code: "UNAVAILABLE", message: "Backplane" }]);
  };
  draw = 0.5;
  fail();
  draw = 0;
  await reopened(rig);
  rig.server.link.accept("stats");
  clock.advance(5_000);
  await turn();
  assertEquals([sub.status, rig.server.link.sent("sub").length], ["live", 1]);
  // Having been live, it starts its backoff over.
  await reopened(rig);
  draw = 0.5;
  fail();
  clock.advance(250);
  await turn();
  assertEquals(rig.server.link.sent("sub").length, 2);
  await client.close();
});

test("an answer to a subscribe of the last link means nothing on the next", async () => {
  const rig = await opened();
  const sub = rig.client.subscribe("stats", () => {});
  await turn();
  await reopened(rig);
  rig.server.link.say(["res", 1]);
  assertEquals(sub.status, "pending");
  rig.server.link.say(["res", 2]);
  await sub.ready;
  await rig.client.close();
});
