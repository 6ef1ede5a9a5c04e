import { assertEquals } from "@std/assert";
import { createMemoryAdapter, HubError } from "@trunkline/hub";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { Tap } from "../hub/tap.ts";
import { microtasks, rawClient, turn } from "../hub/wires.ts";
import { enter, follow, memberOf, startNode } from "./rejoin_scene.ts";

test("rejoin: the rule is called once for each room that a client claims; their number and length are limited", async () => {
  const asked: string[] = [];
  const node = await startNode({ rejoin: ({ room }) => asked.push(room) > 0 });
  const hello = (joined: unknown) => rawClient(node.loopback.client(), { role: "member", joined });
  const twice = await hello(["a", "a", "", "__proto__"]);
  await turn();
  assertEquals(asked.splice(0), ["a", "", "__proto__"]);
  assertEquals(twice.heard.slice(1).map((message) => message.join(" ")), ["in a", "in ", "in __proto__"]);
  const most = await hello(Array.from({ length: 400 }, (_, i) => `room ${i}`));
  await waitFor(() => most.heard.length === 401, { what: "all rooms" });
  assertEquals(asked.splice(0).length, 400);
  const wrong = [
    Array.from({ length: 401 }, (_, i) => `room ${i}`),
    ["x".repeat(16_385)],
    Array.from({ length: 401 }, () => "the same"),
    "a",
    [1],
    null,
  ];
  for (const joined of wrong) {
    const client = await hello(joined);
    await waitFor(() => client.closed, { what: "the refusal" });
    assertEquals([client.closed!.code, client.heard.map(([kind]) => kind)], [4500, ["fault"]]);
  }
  assertEquals([asked, node.errors], [[], []]);
  twice.leave();
  most.leave();
  await node.hub.close();
});

test("rejoin: a rule that hangs does not keep the client from opening in time, is reported as TIMEOUT, and is called again", async () => {
  const clock = new FakeClock();
  const answers: PromiseWithResolvers<boolean>[] = [];
  const signals: AbortSignal[] = [];
  const node = await startNode({
    clock,
    authorizeTimeoutMs: 8_000,
    rejoin: ({ signal }) => {
      signals.push(signal);
      answers.push(Promise.withResolvers<boolean>());
      return answers.at(-1)!.promise;
    },
  });
  await using ann = await enter([node], ["a"]);
  follow(ann);
  await ann.links.drop(ann.client);
  const back = ann.links.back(ann.client);
  await waitFor(() => answers.length === 1, { what: "the rule" });
  assertEquals(ann.client.status, "reconnecting");
  clock.advance(5_000); // half of handshakeTimeoutMs
  await back;
  assertEquals([ann.told, signals[0]!.aborted], [[], false]);
  clock.advance(3_000);
  await waitFor(() => ann.told.length === 1, { what: "the refusal" });
  assertEquals([ann.told[0]!.error?.code, signals[0]!.aborted], ["TIMEOUT", true]);
  assertEquals(node.errors.map(({ error }) => (error as Error).message), [
    "The rule rejoin has not answered within 8000 ms (authorizeTimeoutMs)",
  ]);
  clock.advance(250);
  await waitFor(() => answers.length === 2, { what: "the next question" });
  answers[0]!.resolve(true); // no caller waits for it any more
  await microtasks();
  assertEquals(await memberOf(node, "a"), 0);
  answers[1]!.resolve(true);
  await microtasks();
  assertEquals([await memberOf(node, "a"), ann.told.length], [1, 1]);
  await node.hub.close();
});

test("rejoin: a client that has joined again while the rule was running is in, whatever the rule returns then", async () => {
  const clock = new FakeClock();
  const answer = Promise.withResolvers<boolean>();
  const node = await startNode({ clock, rejoin: () => answer.promise });
  await using ann = await enter([node], ["a"]);
  follow(ann);
  await ann.links.drop(ann.client);
  const back = ann.links.back(ann.client);
  await waitFor(() => node.hub.stats().connections === 1, { what: "the client to come in" });
  await waitFor(() => (clock.advance(1_000), ann.client.status === "open"), {
    what: "the client to be open",
  });
  await back;
  await ann.client.request("join", "a");
  answer.resolve(false);
  await turn();
  node.hub.room("a").broadcast("line", "still in");
  await waitFor(() => ann.heard.length === 1, { what: "the line" });
  assertEquals([ann.told, ann.errors, await memberOf(node, "a")], [[], [], 1]);
  await node.hub.close();
});

test("rejoin: a client remembers a room that it is out of for a while, whatever happens to its link", async () => {
  let isAway = true;
  const node = await startNode({
    rejoin: () => {
      if (isAway) throw new HubError("UNAVAILABLE", "The database is away");
      return true;
    },
  });
  await using ann = await enter([node], ["a"]);
  follow(ann);
  for (const count of [1, 2]) {
    await ann.links.drop(ann.client);
    await ann.links.back(ann.client);
    await waitFor(() => ann.told.length === count, { what: "the refusal" });
  }
  isAway = false;
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  assertEquals([await memberOf(node, "a"), ann.told.map(({ error }) => error?.code)], [1, [
    "UNAVAILABLE",
    "UNAVAILABLE",
  ]]);
  await node.hub.close();
});

test("rejoin: a room whose channel is not available now is reported, and entered when it is", async () => {
  const clock = new FakeClock();
  const adapter = new Tap(createMemoryAdapter());
  let fails = false;
  adapter.beforeSubscribe = (channel) => {
    if (fails && channel.startsWith("room")) throw new Error("no broker");
  };
  const node = await startNode({ adapter, clock, cluster: { joinTimeoutMs: 0 }, rejoin: () => true });
  await using ann = await enter([node], ["a"]);
  follow(ann);
  await ann.links.drop(ann.client);
  await waitFor(() => node.hub.stats().connections === 0, { what: "the hub to notice" });
  fails = true;
  await ann.links.back(ann.client);
  await waitFor(() => ann.told.length === 1, { what: "the refusal" });
  assertEquals([ann.told[0]!.error?.code, await memberOf(node, "a")], ["UNAVAILABLE", 0]);
  fails = false;
  await waitFor(async () => (clock.advance(250), await microtasks(), await memberOf(node, "a") === 1), {
    what: "the client to be in",
  });
  assertEquals(ann.told.length, 1);
  await node.hub.close();
});

test("rejoin: a client that leaves while the rule is asked, and a hub that closes, leave nothing behind", async () => {
  const clock = new FakeClock();
  const signals: AbortSignal[] = [];
  let answer = Promise.withResolvers<boolean>();
  const node = await startNode({
    clock,
    rejoin: ({ signal }) => (signals.push(signal), answer.promise),
  });
  const idle = clock.pending;
  const joined = Array.from({ length: 20 }, (_, i) => `room ${i}`);
  const dial = () => {
    let end = () => {};
    const closed = new Promise<void>((resolve) => {
      const close = node.loopback.client().connect("ws://loopback", ["trunkline.v1.json"], {
        open: (link) => link.send(JSON.stringify([["hello", { role: "member", joined }]])),
        message() {},
        drain() {},
        close: () => resolve(),
      });
      end = () => close(1000, "");
    });
    return { leave: () => end(), closed };
  };
  const first = dial();
  await waitFor(() => signals.length === 8, { what: "the first questions" });
  first.leave();
  await waitFor(() => node.hub.stats().connections === 0, { what: "the client to be gone" });
  assertEquals(signals.map(({ aborted }) => aborted), Array(8).fill(true));
  answer.resolve(true);
  await microtasks();
  assertEquals([signals.length, node.errors, clock.pending <= idle + 1], [8, [], true]);
  answer = Promise.withResolvers();
  const second = dial();
  await waitFor(() => signals.length === 16, { what: "the next questions" });
  const closing = node.hub.close();
  await second.closed;
  await closing;
  assertEquals(signals.every(({ aborted }) => aborted), true);
  answer.reject(new Error("too late"));
  await microtasks();
  assertEquals([signals.length, node.errors], [16, []]);
});

test("rejoin: a client names as many rooms as fit into a hello, the latest ones, and reports the others", async () => {
  const asked: string[] = [];
  const node = await startNode({ rejoin: ({ room }) => asked.push(room) > 0 });
  await using ann = await enter([node], []);
  follow(ann);
  const rooms = Array.from({ length: 410 }, (_, i) => `room ${i}`);
  for (const room of rooms) await node.hub.room(room).add({ id: ann.client.connectionId! });
  await turn();
  await ann.links.drop(ann.client);
  await ann.links.back(ann.client);
  await waitFor(() => asked.length === 400, { what: "the questions" });
  assertEquals([new Set(asked).has("room 409"), new Set(asked).has("room 9")], [true, false]);
  assertEquals(
    ann.told.map(({ room, error }) => `${room} ${error?.code}`),
    rooms.slice(0, 10).map((room) => `${room} FORBIDDEN`),
  );
  await node.hub.close();
});

test("rejoin: a client that is removed from a room while the rule is running, or a store is away, does not come in", async () => {
  const clock = new FakeClock();
  const adapter = new Tap(createMemoryAdapter());
  let fails = true;
  adapter.beforeSubscribe = (channel) => {
    if (fails && channel.endsWith("away")) throw new Error("no broker");
  };
  const answers = new Map<string, PromiseWithResolvers<boolean>>();
  const signals = new Map<string, AbortSignal>();
  const node = await startNode({
    clock,
    adapter,
    cluster: { joinTimeoutMs: 0 },
    rejoin: ({ room, signal }) => {
      if (room === "away") return true;
      answers.set(room, Promise.withResolvers());
      signals.set(room, signal);
      return answers.get(room)!.promise;
    },
  });
  const joined = ["asked", "kept/1", "by hand", "away", "stays"];
  const opening = rawClient(node.loopback.client(), { role: "member", token: "ann", joined });
  await waitFor(() => answers.size === 4, { what: "the questions" });
  clock.advance(5_000); // half of handshakeTimeoutMs
  const raw = await opening;
  const told = () =>
    raw.heard.filter(([kind]) => kind === "in" || kind === "out").map((m) => m.slice(0, 2).join(" "));
  await waitFor(() => told().length === 1, { what: "the refusal" });
  const { connection } = raw.heard[0]![1] as { connection: string };
  for (const room of ["asked", "kept/1", "away"]) node.hub.room(room).remove({ id: connection });
  await node.hub.cluster.leave({ user: "ann" }, "by hand");
  await node.hub.room("by hand").add({ id: connection });
  assertEquals([signals.get("asked")!.aborted, signals.get("stays")!.aborted], [true, false]);
  fails = false;
  for (const { resolve } of answers.values()) resolve(true);
  for (let i = 0; i < 8; i++) {
    clock.advance(250);
    await microtasks();
  }
  const members = await Promise.all(joined.map((room) => memberOf(node, room)));
  assertEquals(members, [0, 0, 1, 0, 1]);
  assertEquals(told(), [
    "out away",
    "out asked",
    "out kept/1",
    "out away",
    "out by hand",
    "in by hand",
    "in stays",
  ]);
  raw.leave();
  await node.hub.close();
});
