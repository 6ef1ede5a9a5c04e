import { assertEquals } from "@std/assert";
import type { HubError } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { connecting, opened, rejection, settled, turn } from "./setup.ts";

const denied = { code: "FORBIDDEN", message: "Not yours" };

test("ready resolves when the subscription is live, and listeners get parsed payloads", async () => {
  const { client, server } = await opened();
  const heard: unknown[] = [];
  const sub = client.subscribe("stats", (stats, meta) => void heard.push([stats, meta]));
  assertEquals([sub.topic, sub.status, await settled(sub.ready)], ["stats", "pending", false]);
  assertEquals(server.link.frames.at(-1), [["sub", 1, "stats"]]);
  server.link.accept("stats");
  await sub.ready;
  assertEquals(sub.status, "live");
  server.link.say(["pub", "stats", { n: "5" }]);
  assertEquals(heard, [[{ n: 5 }, {
    topic: "stats",
    offset: undefined,
    epoch: undefined,
    recovered: false,
  }]]);
  await client.close();
});

test("unknown topics and topics of other roles are refused at the call, with the name", async () => {
  const { client } = await opened();
  const untyped = client as unknown as { subscribe(topic: string, listener: () => void): void };
  for (const topic of ["nothing", "audit", "ticker", "ticker/", "ticker/a/b", "__proto__"]) {
    const error = await rejection((async () => await untyped.subscribe(topic, () => {}))());
    assertEquals([error.code, error.message.includes(`"${topic}"`)], ["NOT_FOUND", true]);
  }
  await client.close();
});

test("several subscriptions of one topic share one on the wire; the last one leaving ends it", async () => {
  const { client, server } = await opened();
  const heard: string[] = [];
  const first = client.subscribe("stats", () => void heard.push("first"));
  const second = client.subscribe("stats", () => void heard.push("second"));
  await turn();
  assertEquals(server.link.sent("sub").length, 1);
  assertEquals([await settled(first.ready), await settled(second.ready)], [false, false]);
  server.link.accept("stats");
  await Promise.all([first.ready, second.ready]);
  const third = client.subscribe("stats", () => void heard.push("third"));
  assertEquals(third.status, "live");
  await third.ready;
  server.link.say(["pub", "stats", { n: 1 }]);
  first.unsubscribe();
  first.unsubscribe();
  server.link.say(["pub", "stats", { n: 2 }]);
  assertEquals(heard, ["first", "second", "third", "second", "third"]);
  second.unsubscribe();
  await turn();
  assertEquals(server.link.sent("unsub"), []);
  third.unsubscribe();
  await turn();
  assertEquals(server.link.sent("unsub"), [["unsub", "stats"]]);
  server.link.say(["pub", "stats", { n: 3 }]);
  assertEquals([heard.length, await first.closed, first.status], [5, undefined, "ended"]);
  await client.close();
});

test("a denied subscription rejects for all waiting callers, and a later one tries again", async () => {
  const { client, server, errors } = await opened();
  const subs = [client.subscribe("stats", () => {}), client.subscribe("stats", () => {})];
  const failures = subs.map(({ ready }) => rejection(ready));
  await turn();
  server.link.say(["err", server.link.subId("stats"), denied]);
  for (const failure of failures) assertEquals((await failure).code, "FORBIDDEN");
  assertEquals((await subs[0]!.closed)?.code, "FORBIDDEN");
  assertEquals(errors, []);
  const again = client.subscribe("stats", () => {});
  await turn();
  server.link.accept("stats");
  await again.ready;
  assertEquals(server.link.messages.slice(1).map(([kind]) => kind), ["sub", "sub"]);
  await client.close();
});

test("a denial without a waiting caller is reported, and is no unhandled rejection", async () => {
  const { client, server, errors } = await opened();
  const sub = client.subscribe("stats", () => {});
  await turn();
  server.link.say(["err", 1, denied]);
  await turn();
  assertEquals(errors.map(({ error, info }) => [(error as HubError).code, info]), [
    ["FORBIDDEN", { stage: "subscribe", name: "stats" }],
  ]);
  assertEquals([sub.status, (await rejection(sub.ready)).code], ["ended", "FORBIDDEN"]);
  await client.close();
});

test("a subscribe that the server does not answer is given up, on both sides", async () => {
  const { client, server, clock } = await opened({ requestTimeoutMs: 100 });
  const before = clock.pending;
  const sub = client.subscribe("stats", () => {});
  const failure = rejection(sub.ready);
  await turn();
  clock.advance(100);
  assertEquals((await failure).code, "TIMEOUT");
  await turn();
  assertEquals(server.link.sent("unsub"), [["unsub", "stats"]]);
  server.link.accept("stats");
  assertEquals([sub.status, clock.pending], ["ended", before]);
  await client.close();
});

test("unsubscribe during subscribe: ready rejects, and the server is informed", async () => {
  const { client, server } = await opened();
  const heard: unknown[] = [];
  const sub = client.subscribe("stats", (stats) => void heard.push(stats));
  await turn();
  sub.unsubscribe();
  assertEquals((await rejection(sub.ready)).code, "DISCONNECTED");
  assertEquals(await sub.closed, undefined);
  server.link.accept("stats");
  server.link.say(["pub", "stats", { n: 1 }]);
  await turn();
  assertEquals(server.link.messages.slice(1), [["sub", 1, "stats"], ["unsub", "stats"]]);
  assertEquals([heard, sub.status], [[], "ended"]);
  await client.close();
});

test("unsubscribing at once, in the turn of the subscribe, leaves both sides clean", async () => {
  const { client, server, clock } = await opened();
  const before = clock.pending;
  client.subscribe("stats", () => {}).unsubscribe();
  await turn();
  assertEquals(server.link.frames.at(-1), [["sub", 1, "stats"], ["unsub", "stats"]]);
  assertEquals(clock.pending, before);
  await client.close();
});

test("subscribing again at once: an answer to the old subscribe is not taken for the new one", async () => {
  for (const late of ["res", "err"] as const) {
    const { client, server, errors } = await opened();
    const old = client.subscribe("stats", () => {});
    await turn();
    old.unsubscribe();
    const fresh = client.subscribe("stats", () => {});
    await turn();
    assertEquals(server.link.messages.slice(1), [["sub", 1, "stats"], ["unsub", "stats"], [
      "sub",
      2,
      "stats",
    ]]);
    server.link.say(late === "res" ? ["res", 1] : ["err", 1, denied], ["end", "stats", denied]);
    assertEquals([fresh.status, await settled(fresh.ready)], ["pending", false]);
    server.link.say(["res", 2]);
    await fresh.ready;
    assertEquals(errors, []);
    await client.close();
  }
});

test("close during subscribe: ready rejects", async () => {
  const { client } = await opened();
  const sub = client.subscribe("stats", () => {});
  const failure = rejection(sub.ready);
  await turn();
  await client.close();
  assertEquals((await failure).code, "DISCONNECTED");
  assertEquals([sub.status, (await sub.closed)?.code], ["ended", "DISCONNECTED"]);
});

test("while there is no link ready waits; it rejects when the client ends", async () => {
  const { client, server, clock } = await connecting();
  const waiting = client.subscribe("stats", () => {});
  const left = client.subscribe("ticker/A", () => {});
  const failure = rejection(waiting.ready);
  left.unsubscribe();
  clock.advance(9_000);
  assertEquals(await settled(waiting.ready), false);
  server.link.open();
  server.link.say(["fault", { code: "UNAUTHENTICATED", message: "Who?" }]);
  server.link.close(4501);
  assertEquals((await failure).code, "UNAUTHENTICATED");
  assertEquals(clock.pending, 0);
});

test("a subscription that has ended holds on to no signal", async () => {
  const { client } = await opened();
  const { signal } = new AbortController();
  let listening = 0;
  const { addEventListener, removeEventListener } = signal;
  signal.addEventListener = (...args: unknown[]) => {
    listening++;
    addEventListener.apply(signal, args as never);
  };
  signal.removeEventListener = (...args: unknown[]) => {
    listening--;
    removeEventListener.apply(signal, args as never);
  };
  const subs = [1, 2, 3].map(() => client.subscribe("stats", () => {}, { signal }));
  assertEquals(listening, 3);
  subs[0]!.unsubscribe();
  await client.close();
  assertEquals(listening, 0);
});

test("the server may end a subscription", async () => {
  const { client, server, errors } = await opened();
  const sub = client.subscribe("stats", () => {});
  await turn();
  server.link.accept("stats");
  server.link.say(["end", "stats", denied], ["end", "nothing", denied]);
  assertEquals([sub.status, (await sub.closed)?.code], ["ended", "FORBIDDEN"]);
  await sub.ready; // it was live
  assertEquals(errors.map(({ info }) => info), [{ stage: "subscribe", name: "stats" }]);
  sub.unsubscribe();
  await turn();
  assertEquals(server.link.sent("unsub"), []);
  await client.close();
});

test("a signal unsubscribes", async () => {
  const { client, server } = await opened();
  const controller = new AbortController();
  const { signal } = controller;
  const live = client.subscribe("stats", () => {}, { signal });
  await turn();
  server.link.accept("stats");
  const pending = client.subscribe("ticker/A", () => {}, { signal });
  controller.abort(new Error("Left the page"));
  assertEquals([live.status, await live.closed, pending.status], ["ended", undefined, "ended"]);
  assertEquals((await rejection(pending.ready)).message, "Left the page");
  await turn();
  assertEquals(server.link.sent("unsub").map(([, topic]) => topic), ["stats", "ticker/A"]);
  const late = rejection((async () => await client.subscribe("stats", () => {}, { signal }).ready)());
  assertEquals((await late).message, "Left the page");
  await client.close();
});

test("listeners of a topic may throw, leave, and take others with them", async () => {
  const { client, server, errors } = await opened();
  const heard: string[] = [];
  const failure = new Error("Listener");
  client.subscribe("stats", () => {
    throw failure;
  });
  client.subscribe("stats", () => Promise.reject(failure) as unknown as void);
  const self = client.subscribe("stats", () => {
    heard.push("self");
    self.unsubscribe();
    other.unsubscribe();
  });
  const other = client.subscribe("stats", () => void heard.push("other"));
  client.subscribe("stats", ({ n }) => void heard.push(`last ${n}`));
  await turn();
  server.link.accept("stats");
  server.link.say(["pub", "stats", { n: 1 }], ["pub", "stats", { n: 2 }]);
  await turn();
  assertEquals(heard, ["self", "last 1", "last 2"]);
  assertEquals(errors, Array(4).fill({ error: failure, info: { stage: "topic", name: "stats" } }));
  await client.close();
});

test("payloads that break the contract are dropped and reported; messages of unknown topics are ignored", async () => {
  const { client, server, errors } = await opened();
  const heard: unknown[] = [];
  client.subscribe("stats", (stats) => void heard.push(stats));
  await turn();
  server.link.accept("stats");
  server.link.say(["pub", "stats", { n: "x" }], ["pub", "nothing", 1], ["rec", "nothing", 1], [
    "pub",
    "stats",
    { n: 1 },
  ]);
  assertEquals(heard, [{ n: 1 }]);
  assertEquals(errors.map(({ error, info }) => [(error as HubError).code, info]), [
    ["VALIDATION", { stage: "topic", name: "stats" }],
  ]);
  await client.close();
});
