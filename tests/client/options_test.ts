import { assertEquals, assertInstanceOf, assertStringIncludes, assertThrows } from "@std/assert";
import { createClient } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { connecting, contract, opened, rejection, retried, turn } from "./setup.ts";

test("a token of null or undefined is no token, wherever it comes from", async () => {
  for (const token of [null, undefined, () => null, () => undefined, () => Promise.resolve(null)]) {
    const { client, server } = await opened({ token });
    assertEquals(server.link.sent("hello"), [["hello", { role: "member", joined: [] }]]);
    await client.close();
  }
});

test("a token function that gives no text fails that attempt only, and the error does not show it", async () => {
  let calls = 0;
  const token = () => ++calls === 1 ? 735_001 as never : "t";
  const rig = await connecting({ token });
  const error = rig.errors[0]!.error as Error;
  assertStringIncludes(
    `${error.message} ${error.cause}`,
    "Cannot use this number as token of createClient: give a text",
  );
  assertEquals(`${error} ${error.cause}`.includes("735"), false);
  await retried(rig);
  rig.server.link.welcome();
  await rig.client.ready;
  assertEquals(rig.server.link.sent("hello")[0]![1].token, "t");
  await rig.client.close();
});

test("a client needs a contract, options, a url and a role of the contract", () => {
  const create = createClient as (...args: unknown[]) => unknown;
  const options = { url: "ws://h", role: "member" };
  const cases: [unknown[], string][] = [
    [[], "Cannot do without the contract of createClient: give what defineContract() returned"],
    [[null, options], "Cannot use null as the contract"],
    [[{}, options], "Cannot use this object as the contract"],
    [[{ roles: { member: {} } }, options], "Cannot use this object as the contract"],
    [[contract], 'Cannot use the url: give an absolute one, like "wss://HOST/PATH"'],
    [[contract, null], "Cannot use null as the options of createClient"],
    [[contract, "ws://me:hunter2@h"], "Cannot use this string as the options of createClient"],
    [[contract, { role: "member" }], 'Cannot use the url: give an absolute one, like "wss://HOST/PATH"'],
    [
      [contract, { url: "ws://h" }],
      'role of createClient: give a role of the contract, there are "member", "admin"',
    ],
    [
      [contract, { url: "ws://h", role: "membr" }],
      'role of createClient: give a role of the contract, did you mean "member"?',
    ],
    [[contract, { url: Symbol(), role: "member" }], "Cannot use the url"],
    [[contract, { url: [undefined], role: "member" }], "Cannot use the url"],
  ];
  for (const [args, message] of cases) assertThrows(() => create(...args), TypeError, message);
});

test("options of calls are checked like all others", async () => {
  const { client, server, clock } = await opened();
  const before = clock.pending;
  const wrong: [object, string][] = [
    [{ timeoutMs: null }, "Cannot use null as timeoutMs of request"],
    [{ timeoutMs: "5" }, "as timeoutMs of request: give a number of milliseconds"],
    [{ timeout: 5 }, 'there is no such option, did you mean "timeoutMs"?'],
    [{ signal: new AbortController() }, "as signal of request: give an AbortSignal"],
  ];
  for (const [options, message] of wrong) {
    assertStringIncludes((await rejection(client.request("say", { text: "x" }, options))).message, message);
  }
  assertThrows(
    () => client.subscribe("stats", () => {}, { onRecover: () => {} } as object),
    TypeError,
    '"onRecovery"',
  );
  assertThrows(
    () => client.subscribe("stats", () => {}, { signal: {} } as object),
    TypeError,
    "signal of subscribe",
  );
  assertEquals([server.link.messages.length, clock.pending], [1, before]);
  const answer = client.request("say", { text: "x" }, { timeoutMs: undefined, signal: undefined });
  await Promise.resolve();
  clock.advance(9_999);
  server.link.say(["res", 1, { id: 1 }]);
  assertEquals(await answer, { id: 1 });
  await client.close();
});

test("callbacks are checked when they are given", async () => {
  const { client, server, errors } = await opened();
  const untyped = client as unknown as Record<string, (...args: unknown[]) => unknown>;
  const wrong: [() => unknown, string][] = [
    [() => untyped.on!("message"), 'Cannot do without the listener of on("message"): give a function'],
    [() => untyped.onOpen!(null), "Cannot use null as the listener of onOpen: give a function"],
    [() => untyped.onStatus!({}), "Cannot use this object as the listener of onStatus: give a function"],
    [
      () => untyped.subscribe!("stats"),
      'Cannot do without the listener of subscribe("stats"): give a function',
    ],
    [() => untyped.subscribe!(undefined, () => {}), "Cannot do without the topic of subscribe: give a text"],
    [
      () => untyped.implement!(),
      "Cannot do without the handlers of implement: give an object of handlers by name",
    ],
    [() => untyped.implement!({ confirm: 5 }), "Cannot use 5 as confirm of implement: give a function"],
  ];
  for (const [call, message] of wrong) {
    const error = await rejection((async () => await call())());
    assertInstanceOf(error, TypeError);
    assertEquals(error.message, message);
  }
  untyped.implement!({ confirm: undefined }); // absent, like any option
  server.link.say(["ev", "message", { text: "x" }], ["req", 1, "confirm", { text: "x" }]);
  await turn();
  assertEquals([server.link.sent("err").map(([, , { code }]) => code), server.link.sent("sub")], [[
    "NOT_FOUND",
  ], []]);
  assertEquals(errors, []);
  await client.close();
});
