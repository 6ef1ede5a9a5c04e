import { assertEquals } from "@std/assert";
import { test } from "../harness.ts";
import { stage, type Untyped } from "../session/scene.ts";
import { ask, assertFreed, enter, ROOM, start, tells, told } from "./watch_scene.ts";

test("watch: a member of a room sees the other members, then every change, each once", async () => {
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

test("watch: a client outside may not watch, and a member that leaves is shown nothing more; a rule decides for both alike", async () => {
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
    'The rule "ruled/:id" of presence.authorize answered a string: only true allows, false refuses',
  );
  assertEquals([broken!.info.stage, JSON.stringify(ann.heard).includes("secret")], ["handler", false]);
  await assertFreed(scene, [ann, bob]);
});

test("watch: a topic's subscribers are its members; a watch right behind the subscribe waits for its result", async () => {
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

test("watch: only clients of a role see the members of the role's own topics", async () => {
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

test("watch: an invalid place, or one without presence, is refused, and nothing is stored for it", async () => {
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
  // A client must not learn the names of places that only other roles may see.
  assertEquals(JSON.stringify(ann.heard).match(/secret|ruled/g), null);
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
