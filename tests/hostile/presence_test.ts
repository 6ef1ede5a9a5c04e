import { assert, assertEquals } from "@std/assert";
import { presence } from "@trunkline/hub/client/presence";
import type { WhoChange } from "@trunkline/hub/contract";
import { waitFor } from "../harness.ts";
import { hostileTest, type Intruder } from "./scene.ts";

const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i + 1);

/** The presence messages about the room of all clients. */
const told = ({ heard }: Intruder): WhoChange[] =>
  heard.flatMap((message) => message[0] === "who" ? [message[3]] : []);

hostileTest("presence messages before hello end the connection", async ({ intrude }) => {
  for (
    const message of [
      ["watch", 1, "room:all"],
      ["unwatch", "room:all", "user"],
      ["state", 1, "room:all", 1],
      ["members", 1, "room:all"],
    ]
  ) {
    const intruder = await intrude();
    intruder.send(message);
    assertEquals((await intruder.closed()).code, 4500);
  }
});

hostileTest("malformed presence messages end only their own connection", async ({ enter, neighbour }) => {
  const view = presence(neighbour, "all");
  await view.ready;
  const messages = [
    ["watch", 1, "room:all", { by: "role" }],
    ["watch", 0, "room:all"],
    ["watch", 1, { toString: "room:all" }],
    ["unwatch", "room:all", "everybody"],
    ["unwatch", "room:all"],
    ["state", 1, null, {}],
    ["members", 1, "room:all", { limit: -1 }],
    ["members", 1, "room:all", { cursor: 7 }],
    ["who", "room:all", "user", { all: [] }],
  ];
  for (const message of messages) {
    const intruder = await enter();
    intruder.send(message);
    assertEquals((await intruder.closed()).code, 4500, JSON.stringify(message));
  }
  await waitFor(() => view.count === 1, { what: "the intruders to be gone" });
  assertEquals([view.status, view.list().map(({ id }) => id)], ["live", ["neighbour"]]);
  view.close();
});

hostileTest(
  "a flood of states becomes a few changes for watchers, and ends with the last state",
  async ({ enter, neighbour }) => {
    const view = presence(neighbour, "all", { by: "connection" });
    let changes = 0;
    view.on("update", () => changes++);
    await view.ready;
    const intruder = await enter();
    intruder.send(...range(900).map((n) => ["state", n, "room:all", { n, text: "x".repeat(200) }]));
    await intruder.hears("res", 900);
    await waitFor(() => view.list().some(({ state }) => (state as { n?: number } | undefined)?.n === 900), {
      what: "the last state",
    });
    assert(changes < 20, `${changes} changes`);
    view.close();
  },
);

hostileTest(
  "a client that watches everything is held to its limit, and all its watches end with its connection",
  async ({ enter, hub, neighbour }) => {
    const intruder = await enter();
    const ids = range(200);
    intruder.send(
      ...ids.flatMap((id) => [["sub", id, `open/${id}`], ["watch", 1_000 + id, `topic:open/${id}`]]),
    );
    await intruder.hears("err", 1_200);
    const answers = (kind: string) =>
      intruder.heard.filter(([k, id]) => k === kind && (id as number) > 1_000).length;
    await waitFor(() => answers("res") + answers("err") === 200, { what: "all answers" });
    assert(hub.stats().subscriptions + answers("res") <= 20);
    for (const id of ids) intruder.send(["unwatch", `topic:open/${id}`, "user"]);
    intruder.send(["watch", 5_000, "room:all"], ["watch", 5_001, "room:all", { by: "connection" }]);
    await intruder.hears("res", 5_000);
    await intruder.proveAlive();
    // Many clients come and go: a watcher gets them in few messages.
    const others = await Promise.all(range(20).map(() => enter()));
    await waitFor(() => told(intruder).some(({ count }) => count === 22), { what: "all to be seen" });
    intruder.raw.reset();
    for (const other of others) other.raw.reset();
    await waitFor(() => hub.stats().connections === 1, { what: "them to be gone" });
    const page = await presence(neighbour, "all").page();
    assertEquals(page.members.map(({ id }) => id), ["neighbour"]);
  },
  { limits: { maxSubscriptions: 20 }, presence: { maxListed: 5 } },
);

hostileTest(
  "a client that asks for page after page is held to its rate, and then disconnected",
  async ({ enter }) => {
    const intruder = await enter();
    intruder.send(...range(30).map((id) => ["members", id, "room:all", { limit: 1_000_000 }]));
    for (const id of range(30)) {
      if (id <= 20) await intruder.hears("res", id);
      else assertEquals((await intruder.hears("err", id))[2].code, "RATE_LIMITED");
    }
    intruder.send(...range(20).map((id) => ["watch", 100 + id, "room:all"]));
    assertEquals((await intruder.closed()).code, 4005);
  },
  { limits: { messagesPerSecond: 0.001, messageBurst: 20 } },
);

hostileTest("watching and unwatching in any order ends as the last message says", async ({ enter, hub }) => {
  const intruder = await enter();
  for (let round = 0; round < 50; round++) {
    intruder.send(["watch", 2 * round + 1, "room:all"], ["unwatch", "room:all", "user"], [
      "watch",
      2 * round + 2,
      "room:all",
    ]);
    if (round < 49) intruder.send(["unwatch", "room:all", "user"]);
  }
  await intruder.hears("res", 100);
  await intruder.proveAlive();
  const before = told(intruder).length;
  await enter();
  await waitFor(() => told(intruder).length > before, { what: "the newcomer" });
  assertEquals(told(intruder).at(-1)?.count, 3);
  assertEquals(hub.stats().connections, 3);
});

hostileTest(
  "users and states with names of prototype properties are plain names",
  async ({ intrude, neighbour }) => {
    const view = presence(neighbour, "all");
    await view.ready;
    const names = ["__proto__", "constructor", "toString", "hasOwnProperty", "then", "1", " "];
    for (const token of names) {
      const intruder = await (await intrude()).enter({ role: "member", token });
      intruder.send(["state", 1, "room:all", { constructor: token, then: 1 }]);
      await intruder.hears("res", 1);
    }
    await waitFor(() => view.list().filter(({ state }) => state !== undefined).length === names.length, {
      what: "all to be seen, with their states",
    });
    assertEquals(view.list().map(({ id }) => id), ["neighbour", ...names].sort());
    view.close();
  },
);

hostileTest(
  "a client that watches again and again and never reads gets no more lists, and is closed if more waits than allowed",
  async ({ hub, enter, neighbour }) => {
    const view = presence(neighbour, "all", { by: "connection" });
    await view.ready;
    const others = await Promise.all(range(20).map(() => enter()));
    const text = "x".repeat(8_000);
    const speak = async (round: number) => {
      for (const [i, other] of others.entries()) {
        other.send(["state", 1_000 * round + i + 1, "room:all", { round, text }]);
      }
      const seen = () =>
        view.list().filter(({ state }) => (state as { round?: number } | undefined)?.round === round).length;
      await waitFor(() => seen() === others.length, { what: "the neighbour to see all", timeoutMs: 10_000 });
    };
    await speak(1);
    const intruder = await enter();
    intruder.raw.socket.pause();
    // Each list has 160 KB: all of them together are much more than any buffer on the way.
    for (let i = 1; i <= 100; i++) {
      intruder.send(["unwatch", "room:all", "connection"], ["watch", i, "room:all", { by: "connection" }]);
      await speak(1 + i);
    }
    assertEquals(hub.stats().connections, 22);
    assert(hub.stats().held <= 1_000, `${hub.stats().held} messages wait`);
    intruder.raw.socket.resume();
    await waitFor(() => told(intruder).some(({ count }) => count === 22), { what: "the last list" });

    intruder.raw.socket.pause();
    for (let round = 200; hub.stats().connections === 22; round++) {
      assert(round < 1_000, "it was told 160 MB");
      await speak(round);
      assert(hub.stats().held <= 1_000);
    }
    await waitFor(() => hub.stats().held === 0, { what: "nothing to wait any more" });
    await waitFor(() => view.synced && view.count === 21, { what: "the intruder to be gone" });
    view.close();
    intruder.raw.socket.resume();
    for (const other of others) other.raw.reset();
  },
  {
    presence: { intervalMs: 1 },
    limits: { outbox: { maxMessages: 1_000, maxBytes: 1_000_000, highWaterBytes: 100_000 } },
  },
  { timeoutMs: 60_000 },
);
