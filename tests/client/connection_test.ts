import { assert, assertEquals, assertInstanceOf, assertStringIncludes } from "@std/assert";
import { createClient, HubError } from "../../client/mod.ts";
import { test } from "../harness.ts";
import { connecting, contract, opened, rejection, settled, turn } from "./setup.ts";
import { WELCOME } from "./fake_server.ts";

test("the client says hello first, and nothing else until the welcome", async () => {
  const { client, server } = await connecting({ token: "secret" });
  client.signal("typing", { room: "a" });
  server.link.open();
  await turn();
  assertEquals(server.link.subprotocols, ["trunkline.v1.json"]);
  assertEquals(server.link.frames, [[["hello", { role: "member", token: "secret", joined: [] }]]]);
  assertEquals(client.status, "connecting");
  assertEquals([client.connectionId, client.nodeId], [undefined, undefined]);

  server.link.say(["welcome", WELCOME]);
  await client.ready;
  assertEquals([client.status, client.connectionId, client.nodeId], ["open", "c1", "n1"]);
  assertEquals(server.link.messages.length, 2);
  await client.close();
});

test("the token is fetched anew on each connect and travels only in the hello", async () => {
  let tokens = 0;
  const rig = await opened({ token: () => Promise.resolve(`token-${++tokens}`) });
  rig.server.link.close();
  rig.clock.advance(500);
  await turn();
  rig.server.link.welcome();
  assertEquals(rig.server.links.map((link) => link.sent("hello")[0]![1].token), ["token-1", "token-2"]);
  for (const link of rig.server.links) assertEquals(link.url, "ws://hub.test/realtime");
  await rig.client.close();
});

test("a token that is refused ends the client, with the refusal as the cause", async () => {
  for (const code of ["UNAUTHENTICATED", "FORBIDDEN"]) {
    const refusal = new HubError(code, "Signed out");
    const { client, server, errors, clock } = await connecting({
      token: () => {
        throw refusal;
      },
    });
    assertEquals(await rejection(client.ready), refusal);
    assertEquals(await client.closed, refusal);
    assertEquals([client.status, server.links.length, clock.pending], ["closed", 0, 0]);
    assertEquals(errors, [{ error: refusal, info: { stage: "connection" } }]);
  }
});

test("a token that cannot be fetched is reported and tried again", async () => {
  const failure = new Error("No network");
  let calls = 0;
  const { client, server, errors, statuses, clock } = await connecting({
    token: () => ++calls === 1 ? Promise.reject(failure) : "t",
  });
  assertEquals(errors, [{ error: failure, info: { stage: "connect" } }]);
  assertEquals(
    statuses.map(([status, { attempt, retryInMs, error }]) => [
      status,
      attempt,
      retryInMs,
      error?.code,
      error?.message,
    ]),
    [
      ["connecting", 1, 250, "UNAVAILABLE", "Cannot get a token: No network"],
    ],
  );
  clock.advance(250);
  await turn();
  server.link.welcome();
  await client.ready;
  await client.close();
});

test("a link that the platform refuses to open is an error that says why, whatever was thrown", async () => {
  for (const [thrown, why] of [[new Error("Requires net access"), "Requires net access"], [null, "?"]]) {
    const { statuses, client } = await connecting({
      transport: {
        connect() {
          throw thrown;
        },
      },
    });
    assertEquals(statuses[0]?.[1].error?.message, `Cannot connect: ${why}`);
    await client.close();
  }
});

test("closing while the token is fetched aborts that, and opens no link", async () => {
  let aborted: unknown;
  const { client, server, clock } = await connecting({
    token: ({ signal }) =>
      new Promise((_, reject) => signal.addEventListener("abort", () => reject(aborted = signal.reason))),
  });
  await client.close();
  await turn();
  assertInstanceOf(aborted, HubError);
  assertEquals([server.links.length, clock.pending], [0, 0]);
  assertEquals((await rejection(client.ready)).code, "DISCONNECTED");
});

test("an authentication failure is terminal, whatever the codes and the fault say", async () => {
  const { client, server, errors, clock, statuses } = await connecting();
  server.link.open();
  server.link.say(["fault", { code: "UNAUTHENTICATED", message: "Token expired", data: { at: 5 } }]);
  server.link.close(4501, "Token expired");
  const cause = await rejection(client.ready);
  assertEquals([cause.code, cause.message, cause.data], ["UNAUTHENTICATED", "Token expired", { at: 5 }]);
  assertEquals(await client.closed, cause);
  assertEquals(errors, [{ error: cause, info: { stage: "connection" } }]);
  assertEquals(statuses, [["closed", { error: cause }]]);
  assertEquals([server.links.length, clock.pending], [1, 0]);
});

test("each terminal close code ends the client with a code to act on", async () => {
  const codes = { 4500: "BAD_REQUEST", 4501: "UNAUTHENTICATED", 4502: "FORBIDDEN", 4503: "BAD_REQUEST" };
  for (
    const [code, expected] of Object.entries({
      ...codes,
      4504: "TOO_LARGE",
      4505: "DISCONNECTED",
      4999: "DISCONNECTED",
    })
  ) {
    const { client, server, clock } = await opened();
    server.link.close(Number(code), "For this reason");
    const cause = await client.closed;
    assertEquals(cause?.code, expected);
    assertStringIncludes(cause!.message, "For this reason");
    assertEquals([client.status, clock.pending], ["closed", 0]);
  }
});

test("a fault that is not followed by the close is not its cause", async () => {
  const { client, server, errors } = await opened();
  server.link.say(["fault", { code: "RATE_LIMITED", message: "Slow down" }], ["ping"]);
  server.link.close(4505, "Banned");
  assertEquals((await client.closed)?.code, "DISCONNECTED");
  assertEquals(errors.map(({ info }) => info), [{ stage: "connection" }, { stage: "connection" }]);
});

test("a refused signal is reported with its name", async () => {
  const { client, server, errors } = await opened();
  server.link.say(["fault", { code: "FORBIDDEN", message: "Not here" }, "typing"]);
  assertEquals(errors.map(({ error, info }) => [(error as HubError).code, info]), [
    ["FORBIDDEN", { stage: "signal", name: "typing" }],
  ]);
  assertEquals(client.status, "open");
  await client.close();
});

test("ready, closed and a failing connect never become unhandled rejections", async () => {
  const { client, server } = await connecting({ reconnect: false });
  server.link.close(1006, "Refused");
  await turn();
  const cause = await client.closed;
  assertEquals(cause?.code, "UNAVAILABLE");
  assertStringIncludes(cause!.message, "Refused");
  // Nothing has looked at `ready` so far: an unhandled rejection would have failed this test.
  assertEquals(await rejection(client.ready), cause);
});

test("an attempt that takes too long is given up, and another one follows", async () => {
  const { client, server, clock, statuses } = await connecting({ connectTimeoutMs: 3_000 });
  server.link.open();
  clock.advance(2_999);
  assertEquals(statuses, []);
  clock.advance(1);
  assertEquals(server.link.closedBy?.code, 4001);
  assertEquals(statuses[0]![1].error?.code, "TIMEOUT");
  server.links[0]!.say(["welcome", WELCOME]);
  assertEquals(client.status, "connecting");
  clock.advance(500);
  await turn();
  assertEquals(server.links.length, 2);
  await client.close();
});

test("the connect timeout covers a token that never comes", async () => {
  const { client, clock, statuses } = await connecting({ token: () => new Promise<string>(() => {}) });
  clock.advance(10_000);
  assertEquals(statuses[0]![1].error?.code, "TIMEOUT");
  await client.close();
});

test("a server that speaks another protocol is not tried again", async () => {
  const { client, server } = await connecting();
  server.link.open("");
  assertEquals((await client.closed)?.code, "BAD_REQUEST");
  assertEquals(server.link.closedBy?.code, 4503);
  assertEquals(server.link.messages, []);
});

test("a liveness watchdog notices a dead link and reconnects", async () => {
  const { client, server, clock, statuses } = await opened();
  server.link.alive = false;
  clock.advance(19_999);
  assertEquals(client.status, "open");
  clock.advance(1);
  assertEquals(client.status, "reconnecting");
  assertEquals(server.link.closedBy?.code, 4001);
  assertEquals(statuses.at(-1)![1].error?.code, "DISCONNECTED");
  clock.advance(500);
  await turn();
  assertEquals(server.links.length, 2);
  server.links[0]!.close(); // the dead link's own close, much later
  assertEquals(client.status, "reconnecting");
  server.link.welcome();
  assertEquals(client.status, "open");
  await client.close();
});

test("anything that arrives keeps the link alive, and pings are answered", async () => {
  const { client, server, clock } = await opened({ livenessTimeoutMs: 1_000 });
  for (let i = 0; i < 5; i++) {
    clock.advance(900);
    if (i % 2) server.link.say(["ping"]);
    else server.link.say(["ev", "dm", { text: "x" }]);
  }
  await turn();
  assertEquals(client.status, "open");
  assertEquals(server.link.sent("pong").length, 2);
  assert(clock.pending <= 2); // the watchdogs of the link and of sleep
  await client.close();
});

test("a frame that is not of the protocol is reported, closes the link, and is survived", async () => {
  const bad = [
    "nonsense",
    "{}",
    "[1]",
    '[["nope"]]',
    '[["rec","x",-1]]',
    new Uint8Array([1, 2]),
    JSON.stringify([["welcome", WELCOME]]),
    `[["ev","dm",{"text":"never seen"}],["nope"]]`,
    `[[${"[".repeat(5_000)}${"]".repeat(5_000)}]]`,
    `[["__proto__"]]`,
  ];
  for (const frame of bad) {
    const { client, server, clock, errors } = await opened();
    const seen: unknown[] = [];
    client.on("dm", (dm) => void seen.push(dm));
    server.link.sayRaw(frame);
    assertEquals(errors.map(({ error, info }) => [(error as HubError).code, info.stage]), [[
      "BAD_REQUEST",
      "protocol",
    ]]);
    assertEquals([client.status, server.link.closedBy?.code, seen], ["reconnecting", 4500, []]);
    clock.advance(500);
    await turn();
    assertEquals(server.links.length, 2);
    await client.close();
  }
});

test("an error handler that closes the client has the last word", async () => {
  const { client, server, clock } = await opened({ onError: () => void client.close() });
  server.link.sayRaw("nonsense");
  await client.closed;
  await turn();
  assertEquals([client.status, clock.pending, server.links.length], ["closed", 0, 1]);
});

test("a server that speaks before its welcome is not of the protocol", async () => {
  const { client, server, errors } = await connecting();
  server.link.open();
  server.link.say(["ev", "dm", { text: "x" }]);
  assertEquals(errors.map(({ info }) => info), [{ stage: "protocol" }]);
  assertEquals(server.link.closedBy?.code, 4500);
  await client.close();
});

test("close is idempotent, says goodbye, sends earlier messages, and does not reconnect", async () => {
  const { client, server, clock, statuses } = await opened();
  client.signal("typing", { room: "a" });
  const [first, second] = [client.close(), client.close()];
  await Promise.all([first, second]);
  assertEquals(server.link.sent("sig").length, 1);
  assertEquals(server.link.closedBy?.code, 1000);
  assertEquals(await client.closed, undefined);
  assertEquals([client.status, client.connectionId, clock.pending], ["closed", undefined, 0]);
  assertEquals(statuses, [["open", { nodeId: "n1" }], ["closed", {}]]);
  clock.advance(60_000);
  await turn();
  assertEquals(server.links.length, 1);
});

test("close does not wait for a dead peer longer than a second", async () => {
  const { client, server, clock } = await opened();
  server.link.alive = false;
  const closing = client.close();
  assertEquals(await settled(closing), false);
  clock.advance(1_000);
  await closing;
  assertEquals(clock.pending, 0);
});

test("a client is closed at the end of its scope", async () => {
  const { client, server } = await opened();
  {
    await using scoped = client;
    assertEquals(scoped.status, "open");
  }
  assertEquals([client.status, server.link.closed], ["closed", true]);
});

test("calls on a closed client fail with DISCONNECTED", async () => {
  const { client } = await opened();
  await client.close();
  assertEquals((await rejection(client.request("say", { text: "x" }))).code, "DISCONNECTED");
  assertEquals(codeOf(() => client.signal("typing", { room: "a" })), "DISCONNECTED");
  const sub = client.subscribe("stats", () => {});
  assertEquals([sub.status, (await rejection(sub.ready)).code], ["ended", "DISCONNECTED"]);
});

test("status listeners may throw, leave, and close the client", async () => {
  const { client, server, errors } = await connecting();
  const heard: string[] = [];
  const failure = new Error("Listener");
  client.onStatus(() => {
    throw failure;
  });
  client.onStatus(() => Promise.reject(failure));
  const off = client.onStatus((status) => void heard.push(`a ${status}`));
  client.onStatus((status) => {
    heard.push(`b ${status}`);
    off();
    offNext();
    if (status === "open") void client.close();
  });
  const offNext = client.onStatus((status) => void heard.push(`next ${status}`));
  client.onStatus((status) => void heard.push(`c ${status}`));
  server.link.welcome();
  await client.closed;
  assertEquals(heard, ["a open", "b open", "b closed", "c closed"]);
  assertEquals(errors.map(({ error, info }) => [error, info.stage]), Array(4).fill([failure, "status"]));
});

test("onError may throw", async () => {
  const { error } = console;
  const logged: unknown[] = [];
  console.error = (...args) => void logged.push(args);
  try {
    const { client, server } = await opened({
      onError: () => {
        throw new Error("Reporter");
      },
    });
    server.link.say(["fault", { code: "X", message: "x" }]);
    assertEquals([client.status, logged.length], ["open", 1]);
    await client.close();
  } finally {
    console.error = error;
  }
});

test("misuse is refused where it happens", () => {
  const make = (options: object) => () =>
    createClient(contract, { url: "ws://h", role: "member", ...options });
  for (
    const options of [{ role: "nobody" }, { role: "__proto__" }, { url: [] }, { url: "ftp://h" }, {
      url: "/relative",
    }]
  ) {
    assertInstanceOf(thrown(make(options)), TypeError);
  }
  for (
    const options of [
      { connectTimeoutMs: 0 },
      { requestTimeoutMs: Infinity },
      { livenessTimeoutMs: NaN },
      { offline: { queue: -1 } },
      { reconnect: { baseMs: 10, maxMs: 5 } },
      { reconnect: { factor: 0.5 } },
    ]
  ) {
    assertInstanceOf(thrown(make(options)), RangeError);
  }
});

function thrown(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error("Expected the function to throw");
}

function codeOf(fn: () => unknown): string {
  return (thrown(fn) as HubError).code;
}
