import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { HubError } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { connecting, opened, rejection, reopened, settled, turn } from "./setup.ts";

test("a request sends its input as given and returns the answer parsed", async () => {
  const { client, server } = await opened();
  const answer = client.request("say", { text: "hi" });
  await turn();
  assertEquals(server.link.frames.at(-1), [["req", 1, "say", { text: "hi" }]]);
  server.link.say(["res", 1, { id: "7" }]);
  assertEquals(await answer, { id: 7 });
  await client.close();
});

test("bad input, unknown names and wrong kinds are refused at the sender", async () => {
  const { client, server } = await opened();
  const untyped = client as unknown as {
    request(name: string, input: unknown): Promise<unknown>;
    signal(name: string, payload: unknown): void;
  };
  const failure = await rejection(untyped.request("say", { text: 5 }));
  assertEquals(failure.code, "VALIDATION");
  assertEquals((failure.data as { issues: { path: string }[] }).issues[0]!.path, "text");
  assertEquals((await rejection(untyped.request("slow", { n: -1 }))).code, "VALIDATION");
  for (const name of ["typing", "nothing", "__proto__", "constructor"]) {
    const { code, message } = await rejection(untyped.request(name, {}));
    assertEquals([code, message.includes(`"${name}"`)], ["NOT_FOUND", true]);
  }
  const signal = (name: string, payload: unknown) =>
    rejection((async () => await untyped.signal(name, payload))());
  assertEquals((await signal("typing", { room: 5 })).code, "VALIDATION");
  assertEquals((await signal("say", { text: "x" })).code, "NOT_FOUND");
  assertEquals((await signal("toString", {})).code, "NOT_FOUND");
  await turn();
  assertEquals(server.link.messages.length, 1);
  await client.close();
});

test("a message that cannot be encoded, or a wrong timeout, is refused at the sender and leaves nothing behind", async () => {
  const { client, server, clock } = await opened({}, { maxFrameBytes: 256 });
  const before = clock.pending;
  const large = await rejection(client.request("say", { text: "é".repeat(128) }));
  assertEquals(large.code, "TOO_LARGE");
  assertEquals((large.data as { maxFrameBytes: number }).maxFrameBytes, 256);
  const cyclic: { text: string; self?: unknown } = { text: "x" };
  cyclic.self = cyclic;
  assertEquals((await rejection(client.request("say", cyclic))).code, "BAD_REQUEST");
  for (const timeoutMs of [0, -1, NaN, Infinity]) {
    assertInstanceOf(await rejection(client.request("say", { text: "x" }, { timeoutMs })), RangeError);
  }
  await turn();
  assertEquals([server.link.messages.length, clock.pending], [1, before]);
  await client.close();
});

test("the largest message that a frame may hold is sent", async () => {
  const { client, server } = await opened({}, { maxFrameBytes: 256 });
  const room = "x".repeat(256 - `[["sig","typing",{"room":""}]]`.length);
  client.signal("typing", { room });
  await turn();
  assertEquals(server.link.sent("sig").length, 1);
  const tooLarge = (async () => await client.signal("typing", { room: room + "x" }))();
  assertEquals((await rejection(tooLarge)).code, "TOO_LARGE");
  await client.close();
});

test("the server's error reaches the caller with code, message and data", async () => {
  const { client, server, errors } = await opened();
  const answer = rejection(client.request("say", { text: "x" }));
  await turn();
  server.link.say(["err", 1, { code: "ROOM_FULL", message: "No room", data: { limit: 5 } }]);
  const error = await answer;
  assertInstanceOf(error, HubError);
  assertEquals([error.code, error.message, error.data], ["ROOM_FULL", "No room", { limit: 5 }]);
  assertEquals(errors, []);
  await client.close();
});

test("an answer that breaks the contract rejects with VALIDATION and is reported", async () => {
  const { client, server, errors } = await opened();
  const answer = rejection(client.request("say", { text: "x" }));
  await turn();
  server.link.say(["res", 1, { id: "seven" }]);
  const error = await answer;
  assertEquals(error.code, "VALIDATION");
  assertEquals(errors, [{ error, info: { stage: "request", name: "say" } }]);
  await client.close();
});

test("a request in flight when the link dies rejects DISCONNECTED at once and is not sent again", async () => {
  const rig = await opened();
  const failure = rejection(rig.client.request("say", { text: "x" }));
  await turn();
  rig.server.link.close(1006);
  assertEquals((await failure).code, "DISCONNECTED");
  assertEquals(rig.client.status, "reconnecting");
  await reopened(rig);
  assertEquals(rig.server.link.sent("req"), []);
  await rig.client.close();
});

test("timeouts and aborts free everything and tell the server", async () => {
  const { client, server, clock } = await opened();
  const before = clock.pending;
  const late = rejection(client.request("say", { text: "a" }, { timeoutMs: 50 }));
  const controller = new AbortController();
  const aborted = rejection(client.request("say", { text: "b" }, { signal: controller.signal }));
  await turn();
  clock.advance(50);
  controller.abort(new Error("Changed my mind"));
  assertEquals((await late).code, "TIMEOUT");
  assertEquals((await aborted).message, "Changed my mind");
  await turn();
  assertEquals(server.link.sent("cancel"), [["cancel", 1], ["cancel", 2]]);
  assertEquals(clock.pending, before);
  server.link.say(["res", 1, { id: 1 }], ["err", 2, { code: "X", message: "late" }], ["res", 99]);
  assertEquals(client.status, "open");
  assertEquals(
    (await rejection(client.request("say", { text: "c" }, { signal: controller.signal }))).message,
    "Changed my mind",
  );
  await turn();
  assertEquals(server.link.sent("req").length, 2);
  await client.close();
});

test("the default timeout of requests is an option", async () => {
  const { client, clock } = await opened({ requestTimeoutMs: 77 });
  const late = rejection(client.request("say", { text: "a" }));
  clock.advance(77);
  assertEquals((await late).code, "TIMEOUT");
  await client.close();
});

test("requests with an asynchronous schema work, and give up in time as well", async () => {
  const { client, server, clock } = await opened();
  const before = clock.pending;
  const answer = client.request("slow", { n: 1 });
  await turn();
  server.link.say(["res", 1, 5]);
  assertEquals(await answer, 5);
  const controller = new AbortController();
  const aborted = rejection(client.request("slow", { n: 1 }, { signal: controller.signal }));
  const late = rejection(client.request("slow", { n: 1 }, { timeoutMs: 1 }));
  controller.abort(new Error("Enough"));
  clock.advance(1);
  assertEquals((await aborted).message, "Enough");
  assertEquals((await late).code, "TIMEOUT");
  await turn();
  assertEquals([server.link.sent("req").length, clock.pending], [1, before]);
  await client.close();
});

test("messages of one turn leave in one frame, in order, at most 64 messages and within the server's limit", async () => {
  const { client, server } = await opened();
  for (let i = 0; i < 100; i++) client.signal("typing", { room: `${i}` });
  await turn();
  const frames = server.link.frames.slice(1);
  assertEquals(frames.map((frame) => frame.length), [64, 36]);
  assertEquals(
    frames.flat().map((m) => (m[2] as { room: string }).room),
    Array.from({ length: 100 }, (_, i) => `${i}`),
  );
  await client.close();

  const tight = await opened({}, { maxFrameBytes: 300 });
  for (let i = 0; i < 20; i++) tight.client.signal("typing", { room: "ü".repeat(20) });
  await turn();
  assertEquals(tight.server.link.sent("sig").length, 20);
  for (const frame of tight.server.link.frames) {
    assert(new TextEncoder().encode(JSON.stringify(frame)).length <= 300);
  }
  await tight.client.close();
});

test("offline: requests and signals wait, and are sent in order once the subscriptions are back", async () => {
  const { client, server, clock } = await connecting();
  client.signal("typing", { room: "1" });
  const answer = client.request("say", { text: "2" });
  client.subscribe("stats", () => {});
  client.signal("typing", { room: "3" });
  client.onStatus((status) => status === "open" && client.signal("typing", { room: "4" }));
  clock.advance(9_000);
  server.link.welcome();
  await turn();
  assertEquals(server.link.frames.slice(1), [[
    ["sub", 1, "stats"],
    ["sig", "typing", { room: "1" }],
    ["req", 2, "say", { text: "2" }],
    ["sig", "typing", { room: "3" }],
    ["sig", "typing", { room: "4" }],
  ]]);
  assertEquals(server.link.messages.length, 6);
  const late = rejection(answer);
  clock.advance(999);
  assertEquals(await settled(late), false);
  clock.advance(1); // the timeout runs from the call
  assertEquals((await late).code, "TIMEOUT");
  await client.close();
});

test("a queued message is sent with the values that it had at the call, even if the application changes the object meanwhile", async () => {
  const { client, server, errors } = await connecting();
  const place = { room: "1" };
  client.signal("typing", place);
  place.room = "2";
  client.signal("typing", place);
  place.room = 3 as never;
  const question = { text: "a" };
  const answer = client.request("say", question);
  question.text = "b";
  const number = { n: 1 };
  const slow = client.request("slow", number); // checked later, even on an open link
  number.n = -1;
  server.link.welcome();
  await turn();
  assertEquals(server.link.messages.slice(1), [
    ["sig", "typing", { room: "1" }],
    ["sig", "typing", { room: "2" }],
    ["req", 1, "say", { text: "a" }],
    ["req", 2, "slow", { n: 1 }],
  ]);
  server.link.say(["res", 1, { id: 1 }], ["res", 2, 2]);
  assertEquals([await answer, await slow, errors], [{ id: 1 }, 2, []]);
  await client.close();
});

test("offline: a message that cannot be encoded is refused at the sender too", async () => {
  const { client, server, clock, errors } = await connecting();
  const before = clock.pending;
  const cyclic: { room: string; text: string; self?: unknown } = { room: "x", text: "x" };
  cyclic.self = cyclic;
  assertEquals((await rejection((async () => await client.signal("typing", cyclic))())).code, "BAD_REQUEST");
  assertEquals((await rejection(client.request("say", cyclic))).code, "BAD_REQUEST");
  assertEquals(clock.pending, before);
  server.link.welcome();
  await turn();
  assertEquals([server.link.messages.length, errors], [1, []]);
  await client.close();
});

test("offline: queued messages are sent once", async () => {
  const rig = await connecting();
  rig.client.signal("typing", { room: "1" });
  rig.server.link.welcome();
  await turn();
  assertEquals(rig.server.link.sent("sig").length, 1);
  await reopened(rig);
  assertEquals(rig.server.link.sent("sig").length, 0);
  await rig.client.close();
});

test("offline: the queue is bounded, and timeouts and aborts make room", async () => {
  const { client, server, clock } = await connecting({ offline: { queue: 2 } });
  const before = clock.pending;
  const controller = new AbortController();
  const aborted = rejection(client.request("say", { text: "a" }, { signal: controller.signal }));
  const late = rejection(client.request("say", { text: "b" }, { timeoutMs: 10 }));
  assertEquals((await rejection(client.request("say", { text: "c" }))).code, "UNAVAILABLE");
  assertEquals(
    (await rejection((async () => await client.signal("typing", { room: "d" }))())).code,
    "UNAVAILABLE",
  );
  controller.abort(new Error("No more"));
  clock.advance(10);
  assertEquals((await aborted).message, "No more");
  assertEquals((await late).code, "TIMEOUT");
  assertEquals(clock.pending, before);
  client.signal("typing", { room: "e" });
  client.signal("typing", { room: "f" });
  server.link.welcome();
  await turn();
  assertEquals(server.link.messages.slice(1).map(([kind]) => kind), ["sig", "sig"]);
  await client.close();
});

test('offline: "fail" fails at once', async () => {
  const { client, server } = await connecting({ offline: "fail" });
  assertEquals((await rejection(client.request("say", { text: "c" }))).code, "DISCONNECTED");
  assertEquals(
    (await rejection((async () => await client.signal("typing", { room: "d" }))())).code,
    "DISCONNECTED",
  );
  server.link.welcome();
  client.signal("typing", { room: "e" });
  await client.close();
  assertEquals(server.link.sent("sig").length, 1);
});

test("offline: messages that still wait when the client ends are rejected, or reported", async () => {
  const { client, server, errors, clock } = await connecting();
  const failure = rejection(client.request("say", { text: "a" }));
  client.signal("typing", { room: "b" });
  server.link.close(4502, "Wrong origin");
  assertEquals((await failure).code, "FORBIDDEN");
  assertEquals(errors.map(({ info }) => info), [{ stage: "connection" }, {
    stage: "signal",
    name: "typing",
  }]);
  assertEquals(clock.pending, 0);
});

test("offline: a message that is too large for the server fails alone", async () => {
  const { client, server, errors } = await connecting();
  const large = rejection(client.request("say", { text: "x".repeat(500) }));
  client.signal("typing", { room: "x".repeat(500) });
  client.signal("typing", { room: "small" });
  server.link.welcome({ maxFrameBytes: 300 });
  assertEquals((await large).code, "TOO_LARGE");
  assertEquals(errors.map(({ error, info }) => [(error as HubError).code, info.name]), [[
    "TOO_LARGE",
    "typing",
  ]]);
  await turn();
  assertEquals(server.link.sent("sig"), [["sig", "typing", { room: "small" }]]);
  await client.close();
});

test("an error handler may close the client while the queue is sent", async () => {
  const { client, server, clock } = await connecting({ onError: () => void client.close() });
  client.signal("typing", { room: "x".repeat(500) });
  client.signal("typing", { room: "small" });
  const failure = rejection(client.request("say", { text: "a" }));
  server.link.welcome({ maxFrameBytes: 300 });
  assertEquals((await failure).code, "DISCONNECTED");
  assertEquals([client.status, await client.closed], ["closed", undefined]);
  await turn();
  assertEquals(clock.pending, 0);
});

test("requests that wait for an answer are bounded", async () => {
  const { client, server } = await opened({ maxPendingRequests: 2 });
  const first = client.request("say", { text: "a" });
  const second = rejection(client.request("say", { text: "b" }));
  assertEquals((await rejection(client.request("say", { text: "c" }))).code, "UNAVAILABLE");
  server.link.say(["res", 1, { id: 1 }]);
  await first;
  const third = rejection(client.request("say", { text: "d" }));
  await turn();
  assertEquals(server.link.sent("req").length, 3);
  await client.close();
  assertEquals((await second).code, "DISCONNECTED");
  assertEquals((await third).code, "DISCONNECTED");
});

test("a link that does not keep up is not given more", async () => {
  const { client, server } = await opened({ maxBufferedBytes: 1_000 });
  server.link.bufferedAmount = 1_001;
  assertEquals((await rejection(client.request("say", { text: "c" }))).code, "UNAVAILABLE");
  assertEquals(
    (await rejection((async () => await client.signal("typing", { room: "d" }))())).code,
    "UNAVAILABLE",
  );
  server.link.bufferedAmount = 1_000;
  client.signal("typing", { room: "e" });
  await client.close();
  assertEquals(server.link.sent("sig").length, 1);
});
