import { assert, assertEquals, assertInstanceOf } from "@std/assert";
import { HubError } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { opened, rejection, reopened, turn } from "./setup.ts";

test("answers the server's requests with parsed input and output", async () => {
  const { client, server } = await opened();
  const asked: unknown[] = [];
  client.implement({ confirm: (question) => (asked.push(question), { yes: "y" }) });
  server.link.say(["req", 1, "confirm", { text: "sure?" }]);
  await turn();
  assertEquals(asked, [{ text: "SURE?" }]);
  assertEquals(server.link.frames.at(-1), [["res", 1, { yes: true }]]);
  await client.close();
});

test("errors of handlers map to codes; unknown ones become INTERNAL and leak nothing", async () => {
  const { client, server, errors } = await opened();
  const failure = new Error("password=hunter2");
  const thrown = new Map<string, unknown>([
    ["OWN", new HubError("BUSY", "In a call", { data: { forMs: 5 } })],
    ["UNKNOWN", failure],
    ["CYCLIC", new HubError("X", "x", { data: 5n })],
  ]);
  client.implement({
    confirm: async ({ text }) => {
      await Promise.resolve();
      if (text === "BAD") return { nope: true } as never;
      throw thrown.get(text);
    },
  });
  const questions = ["own", "unknown", "cyclic", "bad"];
  server.link.say(...questions.map((text, i) => ["req", i + 1, "confirm", { text }] as const));
  server.link.say(["req", 5, "confirm", { text: 5 }], ["req", 6, "nothing"], ["req", 7, "message"], [
    "req",
    8,
    "toString",
  ]);
  await turn();
  const codes = server.link.sent("err").map((
    [, id, { code, data }],
  ) => [id, code, id === 5 ? "issues" : data]);
  assertEquals(codes.sort(([a], [b]) => (a as number) - (b as number)), [
    [1, "BUSY", { forMs: 5 }],
    [2, "INTERNAL", undefined],
    [3, "INTERNAL", undefined],
    [4, "INTERNAL", undefined],
    [5, "VALIDATION", "issues"],
    [6, "NOT_FOUND", undefined],
    [7, "NOT_FOUND", undefined],
    [8, "NOT_FOUND", undefined],
  ]);
  assertEquals(JSON.stringify(server.link.messages).includes("hunter2"), false);
  // What the server cannot be told is told here: of "unknown" all, of "cyclic" the data, of "bad" why.
  assertEquals(errors.map(({ info }) => info), Array(3).fill({ stage: "answer", name: "confirm" }));
  assert(errors.some(({ error }) => error === failure));
  await client.close();
});

test("without a handler the server gets NOT_FOUND, and a later implement replaces an earlier one", async () => {
  const { client, server } = await opened();
  server.link.say(["req", 1, "confirm", { text: "a" }]);
  await turn();
  assertEquals(server.link.sent("err").map(([, , { code }]) => code), ["NOT_FOUND"]);
  client.implement({ confirm: () => ({ yes: 1 }) });
  client.implement({ confirm: () => ({ yes: 0 }) });
  server.link.say(["req", 2, "confirm", { text: "a" }]);
  await turn();
  assertEquals(server.link.sent("res"), [["res", 2, { yes: false }]]);
  const untyped = client as unknown as { implement(handlers: object): void };
  assertEquals(
    (await rejection((async () => await untyped.implement({ message() {} }))())).code,
    "NOT_FOUND",
  );
  await client.close();
});

test("a cancel aborts the handler, and its answer is not sent", async () => {
  const { client, server } = await opened();
  const reasons: unknown[] = [];
  client.implement({
    confirm: (_, { signal }) =>
      new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          reasons.push(signal.reason);
          resolve({ yes: 1 });
        });
      }),
  });
  server.link.say(["req", 1, "confirm", { text: "a" }]);
  await turn();
  server.link.say(["cancel", 1], ["cancel", 1], ["cancel", 9]);
  await turn();
  assertInstanceOf(reasons[0], HubError);
  assertEquals([reasons.length, server.link.messages.length], [1, 1]);
  await client.close();
});

test("losing the link aborts handlers, and their answers never reach the next one", async () => {
  const rig = await opened();
  const resolvers: ((answer: { yes: boolean }) => void)[] = [];
  const signals: AbortSignal[] = [];
  rig.client.implement({
    confirm: (_, { signal }) => {
      signals.push(signal);
      return new Promise((resolve) => void resolvers.push(resolve));
    },
  });
  rig.server.link.say(["req", 1, "confirm", { text: "a" }]);
  await turn();
  await reopened(rig);
  assertEquals(signals[0]!.aborted, true);
  rig.server.link.say(["req", 1, "confirm", { text: "b" }]);
  await turn();
  resolvers[0]!({ yes: true });
  await turn();
  assertEquals(rig.server.link.sent("res"), []);
  resolvers[1]!({ yes: false });
  await turn();
  assertEquals(rig.server.link.sent("res"), [["res", 1, { yes: false }]]);
  await rig.client.close();
});

test("requests of the server that are worked on are bounded, and an id is not taken twice at once", async () => {
  const { client, server } = await opened({ maxPendingRequests: 2 });
  const resolvers: (() => void)[] = [];
  client.implement({
    confirm: () => new Promise((resolve) => void resolvers.push(() => resolve({ yes: 1 }))),
  });
  for (const id of [1, 1, 2, 3]) server.link.say(["req", id, "confirm", { text: "a" }]);
  await turn();
  assertEquals(server.link.sent("err").map(([, id, { code }]) => [id, code]), [[1, "BAD_REQUEST"], [
    3,
    "UNAVAILABLE",
  ]]);
  for (const resolve of resolvers) resolve();
  await turn();
  assertEquals(server.link.sent("res").map(([, id]) => id), [1, 2]);
  await client.close();
});

test("handlers that go on after their request was given up are limited, on one link and on many", async () => {
  const rig = await opened({ maxPendingRequests: 3 });
  let called = 0;
  const ends: (() => void)[] = [];
  rig.client.implement({
    confirm: () => (called++, new Promise((resolve) => ends.push(() => resolve({ yes: true })))),
  });
  const ask = (id: number) => rig.server.link.say(["req", id, "confirm", { text: "a" }]);
  for (let id = 1; id <= 10; id++) {
    ask(id);
    await turn();
    rig.server.link.say(["cancel", id]);
    await turn();
  }
  assertEquals(called, 3);
  assertEquals(
    rig.server.link.sent("err").map(([, id, { code }]) => [id, code]),
    [4, 5, 6, 7, 8, 9, 10].map((id) => [id, "UNAVAILABLE"]),
  );
  await reopened(rig);
  ask(11);
  await turn();
  assertEquals([called, rig.server.link.sent("err").map(([, id]) => id)], [3, [11]]);

  for (const end of ends) end();
  await turn();
  ask(12);
  await turn();
  ends.at(-1)!();
  await turn();
  assertEquals([called, rig.server.link.sent("res").map(([, id]) => id)], [4, [12]]);
  await rig.client.close();
});

test("an answer that no frame can hold is an error to the server", async () => {
  const { client, server } = await opened({}, { maxFrameBytes: 256 });
  client.implement({
    confirm: () => {
      throw new HubError("X", "x", { data: "x".repeat(500) });
    },
  });
  server.link.say(["req", 1, "confirm", { text: "a" }]);
  await turn();
  assertEquals(server.link.sent("err").map(([, , { code }]) => code), ["INTERNAL"]);
  await client.close();
});
