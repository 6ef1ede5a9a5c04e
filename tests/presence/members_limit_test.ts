import { assertEquals } from "@std/assert";
import type { EntryQuery } from "../../hub/presence/source.ts";
import { Watches, type WatchesParts } from "../../hub/session/watches.ts";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { createMemoryPresence } from "../../adapters/memory_presence/mod.ts";
import { pass, stage, type Untyped } from "../session/scene.ts";
import { ask, enter, tells } from "./watch_scene.ts";

test("members: a client is never read more than 1,000 at once, nor more than four pages at the same time", async () => {
  const asked: EntryQuery[] = [];
  const answers: (() => void)[] = [];
  const sent: unknown[] = [];
  const named = {
    channel: "room:r",
    name: "r",
    params: {},
    declared: { pattern: "r", state: pass, clientsSet: false },
  };
  const conn = {
    role: "m",
    isIn: () => true,
    closed: false,
    outbox: { pushOwn: (message: unknown) => sent.push(message) },
  };
  const watches = new Watches({
    conn,
    context: {
      limits: { maxSubscriptions: 100, messagesPerSecond: Infinity, recoveryBurst: Infinity },
      options: { clock: new FakeClock() },
      onError() {},
    },
    presence: {
      places: { ofClient: () => named },
      rules: {},
      source: {
        page(_: string, query: EntryQuery) {
          asked.push(query);
          return new Promise((resolve) => answers.push(() => resolve({ entries: [], count: 0 })));
        },
      },
    },
    subscriptions: () => undefined,
    all: { held: 0 },
  } as unknown as WatchesParts);
  const queries = [
    undefined,
    { limit: 7, cursor: "ann" },
    { limit: 2 ** 40, by: "connection" },
    {},
    {},
    {},
  ] as const;
  const done = queries.map((query, i) => watches.members(i + 1, "room:r", query));
  await waitFor(() => answers.length === 4, { what: "four pages to be read" });
  assertEquals(asked.map(({ by, limit, cursor }) => [by, limit, cursor]), [
    ["user", 100, undefined],
    ["user", 7, "ann"],
    ["connection", 1_000, undefined],
    ["user", 100, undefined],
  ]);
  answers[0]!();
  await waitFor(() => answers.length === 5, { what: "the fifth" });
  answers[1]!();
  await waitFor(() => answers.length === 6, { what: "the sixth" });
  for (const answer of answers) answer();
  await Promise.all(done);
  assertEquals(sent.length, 6);
});

test("members: a cursor that no page came with is not kept while the client waits: it is refused at once", async () => {
  const contract = { roles: { m: {} }, presence: { "room/:id": pass } };
  const { promise: allowed, resolve } = Promise.withResolvers<boolean>();
  let asked = 0;
  await using scene = await stage(contract, {
    authenticate: ({ role, token }: Untyped) => ({ role, user: token && { id: token } }),
    presence: { authorize: { "room/:id": () => (asked++, allowed) } },
  });
  const peer = await enter(scene, "ann");
  const cursor = (length: number) => ({ cursor: "x".repeat(length) });
  assertEquals([await ask(peer, "members", "room:room/1", cursor(1_025)), asked], ["BAD_REQUEST", 0]);
  const page = ask(peer, "members", "room:room/1", cursor(1_024));
  await waitFor(() => asked === 1, { what: "the rule to be asked" });
  resolve(true);
  assertEquals((await page).count, 0);
  peer.leave();
});

test("members: with a source that makes its own cursors a client gets every member once, however large their states", async () => {
  const contract = {
    roles: { m: { clientToServer: { join: { input: pass, output: pass } } } },
    presence: { "room/:id": pass },
  };
  const state = "x".repeat(10_000);
  await using scene = await stage(contract, {
    authenticate: ({ role, token }: Untyped) => ({ role, user: token && { id: token } }),
    presence: { kind: "central", store: createMemoryPresence(), stateOf: { "room/:id": () => state } },
  });
  const room = "room/1";
  scene.hub.implement({ m: { join: (_: unknown, { conn }: Untyped) => scene.hub.room(room).add(conn) } });
  const users = Array.from({ length: 20 }, (_, i) => `user ${i + 10}`);
  const peers = [];
  for (const user of users) {
    const peer = await enter(scene, user);
    await ask(peer, "req", "join", null);
    peers.push(peer);
  }
  for (const isWatched of [false, true]) {
    if (isWatched) {
      await ask(peers[0]!, "watch", `room:${room}`);
      await tells(peers[0]!, 1, `room:${room}`);
    }
    const told: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await ask(peers[0]!, "members", `room:${room}`, { ...(cursor && { cursor }) });
      told.push(...page.members.map(([id]: [string]) => id));
      cursor = page.cursor;
    } while (cursor !== undefined && told.length < 100);
    assertEquals(told, users);
  }
  for (const peer of peers) peer.leave();
});
