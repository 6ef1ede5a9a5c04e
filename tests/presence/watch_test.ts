import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { pass, type Peer, type Scene, schema, stage, type Untyped } from "../session/scene.ts";

const Mood = schema((value: Untyped) =>
  typeof value?.mood === "string"
    ? { value: { mood: value.mood.toUpperCase() } }
    : { issues: [{ message: "a mood", path: ["mood"] }] }
);

const contract = {
  shared: { topics: { "t/:id": { payload: pass }, "plain/:id": { payload: pass } } },
  roles: {
    m: {
      clientToServer: { join: { input: pass, output: pass }, leave: { input: pass, output: pass } },
      topics: { "own/:id": { payload: pass } },
    },
    admin: { topics: { "secret/:id": { payload: pass } } },
  },
  presence: {
    "room/:id": { state: Mood, clientsSet: true },
    "ruled/:id": Mood,
    "t/:id": { state: pass, clientsSet: true },
    "own/:id": pass,
    "secret/:id": pass,
  },
};

const ROOM = "room:room/1";

/** A hub whose clients join what rooms they like, and say hello with their user as a token. */
async function start(options: Untyped = {}): Promise<Scene> {
  const scene = await stage(contract, {
    authenticate: ({ role, token }: Untyped) => ({ role, user: token && { id: token } }),
    ...options,
    presence: { intervalMs: 0, ...options.presence },
  });
  scene.hub.implement({
    m: {
      join: (room: string, { conn }: Untyped) => scene.hub.room(room).add(conn),
      leave: (room: string, { conn }: Untyped) => scene.hub.room(room).remove(conn),
    },
  });
  return scene;
}

/** A client of a user, or none. */
async function enter(scene: Scene, token?: string, role = "m"): Promise<Peer> {
  const peer = scene.dial();
  peer.send(["hello", { role, token }]);
  await peer.hears("welcome");
  return peer;
}

/** What a peer was told of a place, from its last watch of it on. */
function told(peer: Peer, place = ROOM, by = "user"): Untyped[] {
  return peer.heard.filter((m) => m[0] === "who" && m[1] === place && m[2] === by).map((m) => m[3]);
}

const tells = (peer: Peer, count: number, place = ROOM, by = "user") =>
  waitFor(() => told(peer, place, by).length >= count && told(peer, place, by), {
    what: `${count} changes of ${place}; heard ${JSON.stringify(peer.heard)}`,
  });

let lastId = 0;

/** Asks, and waits for the answer: its output, or the code of its error. */
async function ask(peer: Peer, kind: string, ...rest: unknown[]): Promise<Untyped> {
  const id = ++lastId;
  peer.send([kind, id, ...rest]);
  const answer = await waitFor(
    () => peer.heard.find((m) => (m[0] === "res" || m[0] === "err") && m[1] === id),
    {
      what: `the answer to ${kind} ${JSON.stringify(rest)}`,
    },
  );
  return answer[0] === "res" ? answer[2] : answer[2].code;
}

/** All that a hub and its clients keep of presence returns to nothing. */
async function assertFreed({ hub }: Scene, peers: readonly Peer[]): Promise<void> {
  for (const peer of peers) peer.leave();
  await waitFor(() => hub.stats().connections === 0 && hub.stats().presence.places === 0, {
    what: `nothing to be left: ${JSON.stringify(hub.stats())}`,
  });
}

test("watch: who is in a room sees who else is, then every change, each once", async () => {
  await using scene = await start();
  const { hub } = scene;
  const [ann, bob, anon] = [await enter(scene, "ann"), await enter(scene, "bob"), await enter(scene)];
  assertEquals(ann.heard[0][1].presence, true);
  await ask(ann, "req", "join", "room/1");
  assertEquals(await ask(ann, "watch", ROOM), undefined);
  const node = hub.nodeId;
  assertEquals(await tells(ann, 1), [{ nodes: [node], all: [["ann", 1, 0]], count: 1, synced: true }]);
  await ask(bob, "req", "join", "room/1");
  await tells(ann, 2);
  await ask(anon, "req", "join", "room/1");
  await tells(ann, 3);
  const anonId = anon.heard[0][1].connection;
  await ask(bob, "req", "leave", "room/1");
  assertEquals((await tells(ann, 4)).slice(1), [
    { nodes: [node], in: [["bob", 1, 0]], count: 2 },
    { nodes: [node], in: [[anonId, 0, 0]], count: 3 },
    { out: ["bob"], count: 2 },
  ]);
  anon.leave();
  assertEquals((await tells(ann, 5)).at(-1), { out: [anonId], count: 1 });
  await assertFreed(scene, [ann, bob]);
  assertEquals(scene.errors, []);
});

test("watch: several tabs of a user are one member by user, and each one by connection", async () => {
  await using scene = await start();
  const [one, two] = [await enter(scene, "ann"), await enter(scene, "ann")];
  const [first, second] = [one, two].map((peer) => peer.heard[0][1].connection);
  await ask(one, "req", "join", "room/1");
  await ask(one, "watch", ROOM, { by: "user" });
  await ask(one, "watch", ROOM, { by: "connection" });
  await ask(two, "req", "join", "room/1");
  const node = scene.hub.nodeId;
  assertEquals(await tells(one, 2, ROOM, "connection"), [
    { nodes: [node], all: [[first, "ann", 0]], count: 1, synced: true },
    { nodes: [node], in: [[second, "ann", 0]], count: 2 },
  ]);
  await ask(two, "state", ROOM, { mood: "merry" });
  await tells(one, 3, ROOM, "connection");
  two.leave();
  await tells(one, 4, ROOM, "connection");
  for (const { in: put = [], out = [] } of told(one).slice(1)) {
    assertEquals([put.every(([id]: Untyped) => id === "ann"), out], [true, []]);
  }
});

test("watch: who is not in may not look, and who leaves is shown nothing more; a rule decides for those inside and outside alike", async () => {
  const asked: Untyped[] = [];
  await using scene = await start({
    presence: {
      authorize: {
        "ruled/:id": ({ conn, params, name, signal }: Untyped) => {
          asked.push([conn.user?.id, params.id, name, signal.aborted]);
          if (params.id === "broken") throw new Error("the database said something secret");
          return params.id === "later"
            ? Promise.resolve(true)
            : params.id === "odd"
            ? "yes"
            : conn.user?.id === "ann";
        },
      },
    },
  });
  const [ann, bob] = [await enter(scene, "ann"), await enter(scene, "bob")];
  for (const kind of ["watch", "members"]) assertEquals(await ask(ann, kind, ROOM), "FORBIDDEN");
  await ask(ann, "req", "join", "room/1");
  await ask(ann, "watch", ROOM);
  await ask(ann, "watch", ROOM, { by: "connection" });
  assertEquals((await ask(ann, "members", ROOM)).count, 1);
  await ask(ann, "req", "leave", "room/1");
  for (const by of ["user", "connection"]) {
    const { error } = (await tells(ann, 2, ROOM, by)).at(-1);
    assertEquals([error.code, error.message], ["FORBIDDEN", 'Not in "room/1" any more']);
  }
  await ask(bob, "req", "join", "room/1");
  assertEquals(await ask(ann, "members", ROOM), "FORBIDDEN");
  assertEquals(told(ann).length, 2);

  assertEquals(await ask(ann, "watch", "room:ruled/1"), undefined);
  assertEquals(await ask(bob, "watch", "room:ruled/1"), "FORBIDDEN");
  assertEquals(await ask(bob, "members", "room:ruled/1"), "FORBIDDEN");
  assertEquals(await ask(bob, "watch", "room:ruled/later"), undefined);
  assertEquals(asked, [
    ["ann", "1", "ruled/1", false],
    ["bob", "1", "ruled/1", false],
    ["bob", "1", "ruled/1", false],
    ["bob", "later", "ruled/later", false],
  ]);
  await ask(bob, "req", "join", "ruled/1");
  assertEquals(await ask(bob, "watch", "room:ruled/1"), "FORBIDDEN");
  await tells(ann, 2, "room:ruled/1");
  await ask(ann, "req", "join", "ruled/1");
  await ask(ann, "req", "leave", "ruled/1");
  await ask(bob, "req", "leave", "ruled/1");
  assertEquals((await tells(ann, 5, "room:ruled/1")).at(-1), { out: ["bob"], count: 0 });
  assertEquals(scene.errors, []);
  assertEquals(await ask(ann, "watch", "room:ruled/odd"), "FORBIDDEN");
  assertEquals(await ask(ann, "members", "room:ruled/broken"), "INTERNAL");
  const [odd, broken] = scene.errors.splice(0);
  assertEquals(
    odd!.error.message,
    'The rule "ruled/:id" of presence.authorize answered a string: only true lets in, false refuses',
  );
  assertEquals([broken!.info.stage, JSON.stringify(ann.heard).includes("secret")], ["handler", false]);
  await assertFreed(scene, [ann, bob]);
});

test("watch: a topic's subscribers are in it; a watch right behind the subscribe waits for what becomes of that", async () => {
  const gate = Promise.withResolvers<boolean>();
  await using scene = await start({
    authorize: { "t/:id": ({ params }: Untyped) => params.id === "open" || gate.promise },
  });
  const [ann, bob] = [await enter(scene, "ann"), await enter(scene, "bob")];
  ann.send(["sub", 1001, "t/open"], ["watch", 1002, "topic:t/open"], ["state", 1003, "topic:t/open", "hi"]);
  await ann.hears("res", 1003);
  assertEquals(ann.heard.filter(([kind]) => kind === "err"), []);
  await tells(ann, 1, "topic:t/open");
  bob.send(["sub", 2001, "t/1"], ["watch", 2002, "topic:t/1"], ["members", 2003, "topic:t/1"], [
    "sub",
    2004,
    "t/2",
  ], [
    "watch",
    2005,
    "topic:t/2",
  ]);
  bob.send(["unsub", "t/2"]);
  assertEquals(await ask(bob, "watch", "topic:t/3"), "FORBIDDEN");
  assertEquals(bob.heard.some(([, id]) => id === 2002), false);
  gate.resolve(true);
  await bob.hears("res", 2002);
  assertEquals((await bob.hears("res", 2003))[2].members, [["bob", 1, 0]]);
  assertEquals((await bob.hears("err", 2005))[2].code, "FORBIDDEN");
  bob.send(["unsub", "t/1"]);
  assertEquals((await tells(bob, 2, "topic:t/1")).at(-1).error.code, "FORBIDDEN");
  await assertFreed(scene, [ann, bob]);
});

test("watch: of a role's own topics clients of that role alone see who is there", async () => {
  await using scene = await start();
  const [ann, root] = [await enter(scene, "ann"), await enter(scene, "root", "admin")];
  await ask(ann, "sub", "own/1");
  await ask(ann, "watch", "topic:own/1");
  assertEquals((await tells(ann, 1, "topic:own/1"))[0].all, [["ann", 1, 0]]);
  assertEquals(await ask(root, "watch", "topic:own/1"), "NOT_FOUND");
  await ask(root, "sub", "secret/1");
  assertEquals(await ask(root, "watch", "topic:secret/1"), undefined);
  for (const kind of ["watch", "members"]) assertEquals(await ask(ann, kind, "topic:secret/1"), "NOT_FOUND");
});

test("watch: what is no place, or none of which presence is kept, is refused, and kept nowhere", async () => {
  await using scene = await start();
  const ann = await enter(scene, "ann");
  for (const kind of ["watch", "members", "state"]) {
    for (const place of ["", "room/1", "user:ann", "Room:room/1", `room:room/${"x".repeat(2_000)}`]) {
      assertEquals(await ask(ann, kind, place), "BAD_REQUEST", `${kind} ${place}`);
    }
    for (
      const place of [
        "room:",
        "room:nothing",
        "room:room/",
        "topic:room/1",
        "topic:plain/1",
        "room:__proto__",
      ]
    ) {
      assertEquals(await ask(ann, kind, place), "NOT_FOUND", `${kind} ${place}`);
    }
  }
  for (const place of [ROOM, "", "room:nothing"]) {
    ann.send(["unwatch", place, "user"], ["unwatch", place, "connection"]);
  }
  await ask(ann, "req", "join", "room/1");
  assertEquals(await ask(ann, "watch", ROOM), undefined);
  assertEquals(await ask(ann, "watch", ROOM), "BAD_REQUEST");
  ann.send(["unwatch", ROOM, "user"], ["unwatch", ROOM, "user"]);
  assertEquals(await ask(ann, "watch", ROOM), undefined);
  assertEquals((await tells(ann, 2)).map(({ all }) => all?.length), [1, 1]);
  await assertFreed(scene, [ann]);
  assertEquals(scene.errors, []);
});

test("watch: a contract without presence keeps none, and says so", async () => {
  await using scene = await stage({ roles: { m: {} } });
  const peer = await scene.enter();
  assertEquals("presence" in peer.heard[0][1], false);
  for (const kind of ["watch", "members", "state"]) assertEquals(await ask(peer, kind, ROOM), "NOT_FOUND");
  peer.send(["unwatch", ROOM, "user"]);
  assertEquals(await ask(peer, "watch", ROOM), "NOT_FOUND");
});

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

test("state: one that is nested as deep as may travel reaches those who watch, or is refused to who sets it", async () => {
  await using scene = await start();
  const [ann, bob] = [await enter(scene, "ann"), await enter(scene, "bob")];
  for (const peer of [ann, bob]) await ask(peer, "sub", "t/1");
  await ask(bob, "watch", "topic:t/1");
  for (const depth of [900, 996, 997, 998, 999, 1_000]) {
    const id = ++lastId;
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

test("limits: watches count as subscriptions, and what has no answer is limited too", async () => {
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
  // A rule works on although nobody waits for it: there is an end of them.
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

test("limits: beyond its rate whoever asks is refused, and may still end what it watches", async () => {
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

test("races: what is unwatched, left or closed while a rule or a join takes its time is never shown", async () => {
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

test("a hub that closes ends what its clients watch, and nothing is left", async () => {
  const scene = await start();
  const ann = await enter(scene, "ann");
  await ask(ann, "req", "join", "room/1");
  await ask(ann, "watch", ROOM);
  await tells(ann, 1);
  await scene[Symbol.asyncDispose]();
  assert(ann.closed);
  assertEquals([scene.hub.stats().presence, scene.errors], [{ places: 0, members: 0 }, []]);
});
