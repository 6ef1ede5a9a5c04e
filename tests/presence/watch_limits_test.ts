import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import type { Peer, Untyped } from "../session/scene.ts";
import { ask, assertFreed, enter, nextId, ROOM, start, tells, told } from "./watch_scene.ts";

test("state: clients set their own, where the contract lets them and where they are; the schema decides", async () => {
  await using scene = await start();
  const [ann, bob] = [await enter(scene, "ann"), await enter(scene, "bob")];
  assertEquals(await ask(ann, "state", ROOM, { mood: "merry" }), "FORBIDDEN");
  for (const peer of [ann, bob]) await ask(peer, "req", "join", "room/1");
  await ask(bob, "watch", ROOM);
  await tells(bob, 1);
  assertEquals(await ask(ann, "state", ROOM, { mood: "merry" }), undefined);
  const node = scene.hub.nodeId;
  assertEquals((await tells(bob, 2)).at(-1), {
    nodes: [node],
    in: [["ann", 1, 0, { mood: "MERRY" }]],
    count: 2,
  });
  for (const state of [null, 7, {}, { mood: 7 }, []]) {
    assertEquals(await ask(ann, "state", ROOM, state), "VALIDATION");
  }
  assertEquals(await ask(ann, "state", ROOM), "VALIDATION");
  assertEquals(await ask(ann, "state", ROOM, { mood: "x".repeat(20_000) }), "TOO_LARGE");
  await ask(ann, "req", "join", "ruled/1");
  assertEquals(await ask(ann, "state", "room:ruled/1", { mood: "merry" }), "FORBIDDEN");
  assertEquals((await ask(bob, "members", ROOM)).members.find(([id]: Untyped) => id === "ann")[3], {
    mood: "MERRY",
  });
  ann.say(`[["state",9001,"${ROOM}",{"__proto__":{"mood":"x"}}]]`);
  assertEquals((await ann.hears("err", 9001))[2].code, "BAD_REQUEST");
  assertEquals(told(bob).length, 2);
  assertEquals(scene.errors, []);
});

test("state: a state of the greatest depth reaches the watchers, or is refused to its sender", async () => {
  await using scene = await start();
  const [ann, bob] = [await enter(scene, "ann"), await enter(scene, "bob")];
  for (const peer of [ann, bob]) await ask(peer, "sub", "t/1");
  await ask(bob, "watch", "topic:t/1");
  for (const depth of [900, 996, 997, 998, 999, 1_000]) {
    const id = nextId();
    ann.say(`[["state",${id},"topic:t/1",${"[".repeat(depth)}${"]".repeat(depth)}]]`);
    await waitFor(() => ann.heard.find((m) => m[1] === id), {
      what: `the answer to a state of ${depth} levels`,
    });
  }
  assertEquals(await ask(ann, "state", "topic:t/1", "flat"), undefined);
  await waitFor(() => told(bob, "topic:t/1").some((change) => change.in?.[0]?.[3] === "flat"), {
    what: `what comes after: ${JSON.stringify(bob.heard).slice(0, 400)}`,
  });
  assertEquals(scene.errors, []);
});

test("members: pages go through all of them once, by the limit that was asked for or less", async () => {
  await using scene = await start({ presence: { maxListed: 2, intervalMs: 0 } });
  const peers = await Promise.all(Array.from({ length: 7 }, (_, i) => enter(scene, `user ${i}`)));
  for (const peer of peers) await ask(peer, "req", "join", "room/1");
  const [ann] = peers as [Peer];
  await ask(ann, "watch", ROOM);
  assertEquals(await tells(ann, 1), [{ listed: false, count: 7, synced: true }]);
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await ask(ann, "members", ROOM, { limit: 3, cursor });
    assertEquals([page.count, page.members.length <= 3], [7, true]);
    seen.push(...page.members.map(([id]: Untyped) => id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  assertEquals(seen, Array.from({ length: 7 }, (_, i) => `user ${i}`));
  assertEquals((await ask(ann, "members", ROOM, { limit: 2 ** 40, by: "connection" })).members.length, 7);
  assertEquals((await ask(ann, "members", ROOM, { cursor: "zzz" })).members, []);
  peers[6]!.leave();
  assertEquals((await tells(ann, 2)).at(-1), { listed: false, count: 6 });
  await assertFreed(scene, peers);
});

test("limits: watches count as subscriptions, and unanswered ones are limited too", async () => {
  const never = new Promise<boolean>(() => {});
  const clock = new FakeClock();
  await using scene = await start({
    clock,
    limits: { maxSubscriptions: 3 },
    presence: { authorize: { "ruled/:id": ({ params }: Untyped) => params.id === "never" ? never : true } },
  });
  const ann = await enter(scene, "ann");
  await ask(ann, "sub", "t/1");
  await ask(ann, "watch", "topic:t/1");
  await ask(ann, "watch", "room:ruled/1");
  assertEquals(await ask(ann, "watch", "room:ruled/2"), "RATE_LIMITED");
  assertEquals(await ask(ann, "sub", "t/2"), "RATE_LIMITED");
  ann.send(["unwatch", "room:ruled/1", "user"]);
  assertEquals(await ask(ann, "sub", "t/2"), undefined);
  ann.send(["unsub", "t/2"]);
  // A rule goes on although no caller waits for it: their number is limited.
  for (let i = 0; i < 3; i++) {
    ann.send(["watch", 9_100 + i, "room:ruled/never"], ["unwatch", "room:ruled/never", "user"]);
  }
  for (const kind of ["watch", "members"]) assertEquals(await ask(ann, kind, "room:ruled/1"), "RATE_LIMITED");
  clock.advance(10_000);
  await waitFor(
    () => ann.heard.filter(([kind, id]) => kind === "err" && id >= 9_100 && id < 9_103).length === 3,
    {
      what: "the rules to be given up",
    },
  );
  assertEquals(await ask(ann, "watch", "room:ruled/1"), undefined);
  assertEquals(scene.errors.splice(0).map(({ error }) => error.code), ["TIMEOUT", "TIMEOUT", "TIMEOUT"]);
  await assertFreed(scene, [ann]);
});

test("limits: beyond its rate a client is refused, but may still end its watches", async () => {
  const clock = new FakeClock();
  await using scene = await start({ clock, limits: { messagesPerSecond: 1, messageBurst: 5 } });
  const ann = await enter(scene, "ann");
  await ask(ann, "req", "join", "room/1");
  await ask(ann, "watch", ROOM);
  await tells(ann, 1);
  ann.send(["pong"], ["pong"], ["pong"]);
  for (const [kind, ...rest] of [["watch", ROOM], ["state", ROOM, { mood: "x" }], ["members", ROOM]]) {
    assertEquals(await ask(ann, kind as string, ...rest), "RATE_LIMITED");
  }
  ann.send(["unwatch", ROOM, "user"]);
  clock.advance(60_000);
  assertEquals(await ask(ann, "watch", ROOM), undefined);
  assertEquals((await tells(ann, 2)).length, 2);
});

test("limits: a client that watches and pages again and again gets so many members, and then no more than its rate", async () => {
  const clock = new FakeClock();
  await using scene = await start({
    clock,
    limits: { messagesPerSecond: 10, messageBurst: 10_000, recoveryBurst: 250 },
    presence: { authorize: { "room/:id": () => true } },
  });
  const members = await Promise.all(Array.from({ length: 100 }, (_, i) => enter(scene, `user ${i}`)));
  for (const peer of members) await ask(peer, "req", "join", "room/1");
  const ann = await enter(scene, "ann");
  const watchAgain = async () => {
    ann.send(["unwatch", ROOM, "user"]);
    return await ask(ann, "watch", ROOM);
  };
  const pages = async () =>
    (await ask(ann, "members", ROOM, { limit: 50 }))?.members?.length ?? "RATE_LIMITED";
  assertEquals([await watchAgain(), await pages(), await watchAgain()], [undefined, 50, undefined]);
  await tells(ann, 2);
  for (let i = 0; i < 3; i++) assertEquals(await ask(ann, "watch", "room:room/2"), "RATE_LIMITED");
  assertEquals(await pages(), "RATE_LIMITED");
  clock.advance(10_000);
  assertEquals([await pages(), await pages(), await pages()], [50, 50, "RATE_LIMITED"]);
  // What changes is told nevertheless, and others are not concerned.
  assertEquals(await ask(members[0]!, "watch", ROOM), undefined);
  members[1]!.leave();
  await waitFor(() => told(ann).at(-1)?.count === 99, { what: "a leave" });
});

test("races: a watch that ends while a rule or a join takes its time is never shown", async () => {
  const gates: ((may: boolean) => void)[] = [];
  const signals: AbortSignal[] = [];
  await using scene = await start({
    presence: {
      authorize: {
        "ruled/:id": ({ signal }: Untyped) => {
          signals.push(signal);
          return new Promise((resolve) => gates.push(resolve));
        },
      },
    },
  });
  const [ann, bob] = [await enter(scene, "ann"), await enter(scene, "bob")];
  const place = "room:ruled/1";
  ann.send(["watch", 9_201, place], ["unwatch", place, "user"], ["watch", 9_202, place]);
  await waitFor(() => gates.length === 2, { what: "the rule to be asked twice" });
  assertEquals(signals.map(({ aborted }) => aborted), [true, false]);
  for (const resolve of gates.splice(0)) resolve(true);
  assertEquals((await ann.hears("err", 9_201))[2].code, "DISCONNECTED");
  await ann.hears("res", 9_202);
  await tells(ann, 1, place);
  bob.send(["watch", 9_301, place], ["members", 9_302, place], ["state", 9_303, place, {}]);
  await waitFor(() => gates.length === 2, { what: "the rule to be asked for Bob" });
  bob.leave();
  await waitFor(() => signals.every(({ aborted }, i) => aborted === (i !== 1)), {
    what: "the rules to be told",
  });
  for (const resolve of gates) resolve(true);

  const cleo = await enter(scene, "cleo");
  cleo.send(
    ["req", 1, "join", "room/1"],
    ["watch", 2, ROOM],
    ["req", 3, "leave", "room/1"],
    ["watch", 4, ROOM],
    ["req", 5, "join", "room/1"],
    ["watch", 6, ROOM],
  );
  await cleo.hears("err", 6); // the first was still waiting, and comes to what is true then
  await cleo.hears("res", 2);
  for (let i = 0; i < 20; i++) cleo.send(["unwatch", ROOM, "user"], ["watch", 100 + i, ROOM]);
  await cleo.hears("res", 119);
  assertEquals((await ask(cleo, "members", ROOM)).count, 1);
  const last = (await tells(cleo, 1)).at(-1);
  assertEquals([last.count, last.all], [1, [["cleo", 1, 0]]]);
  await assertFreed(scene, [ann, cleo]);
  assertEquals(scene.errors, []);
});

test("a hub that closes ends the watches of its clients, and leaves nothing behind", async () => {
  const scene = await start();
  const ann = await enter(scene, "ann");
  await ask(ann, "req", "join", "room/1");
  await ask(ann, "watch", ROOM);
  await tells(ann, 1);
  await scene[Symbol.asyncDispose]();
  assert(ann.closed);
  assertEquals([scene.hub.stats().presence, scene.errors], [{ places: 0, members: 0 }, []]);
});

test("limits: states that wait for a subscribe to be decided take no more memory than may wait", async () => {
  const gate = Promise.withResolvers<boolean>();
  await using scene = await start({
    authorize: { "t/:id": () => gate.promise },
    limits: { maxPendingBytes: 50_000 },
  });
  const ann = await enter(scene, "ann");
  ann.send(["sub", 9_400, "t/1"]);
  for (let i = 1; i <= 20; i++) ann.send(["state", 9_400 + i, "topic:t/1", "x".repeat(10_000)]);
  await waitFor(
    () =>
      ann.heard.filter(([kind, , error]) => kind === "err" && error.code === "RATE_LIMITED").length === 15,
    {
      what: "most of them to be refused",
    },
  );
  gate.resolve(true);
  await ann.hears("res", 9_405);
  assertEquals(ann.heard.filter(([kind, id]) => kind === "res" && id > 9_400).length, 5);
  assertEquals(await ask(ann, "state", "topic:t/1", "x"), undefined);
});
