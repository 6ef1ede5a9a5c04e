import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { createHub, HubError } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, createNode } from "./chat.ts";
import { empty } from "./cluster.ts";
import { codeOf, rawClient, recorded, rejection, turn } from "./wires.ts";

const ignore = () => {};
const complete = {
  join: ignore,
  leave: ignore,
  say: () => ({ id: "" }),
  fail: ignore,
  typing: ignore,
  boom: ignore,
};

test("a timeout or an abort of the client frees both sides, and aborts the handler's signal", async () => {
  const signals: AbortSignal[] = [];
  const loopback = createLoopbackTransport();
  await using hub = createHub(chat, { authenticate: ({ role }) => ({ role }), transports: [loopback] });
  hub.implement({
    member: {
      ...complete,
      fail: (_, { signal }) => {
        signals.push(signal);
        return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
      },
    },
  });
  await hub.ready;
  const client = await rawClient(loopback.client());
  client.say(["req", 1, "fail", { how: "never" }], ["req", 2, "fail", { how: "never" }]);
  await turn();
  assertEquals([hub.stats().handling, signals.map(({ aborted }) => aborted)], [2, [false, false]]);
  client.say(["cancel", 1], ["cancel", 1], ["cancel", 99]);
  await turn();
  assertEquals([hub.stats().handling, signals.map(({ aborted }) => aborted)], [1, [true, false]]);
  assertEquals((signals[0]!.reason as { code: string }).code, "TIMEOUT");
  client.leave();
  await turn();
  assertEquals([hub.stats().handling, signals[1]!.aborted], [0, true]);
  assertEquals((signals[1]!.reason as { code: string }).code, "DISCONNECTED");
});

test("client.request with a timeout or signal takes its question back from the hub", async () => {
  const clock = new FakeClock();
  await using node = await createNode();
  const ann = await node.member("ann", { clock });
  const timed = codeOf(() => ann.request("fail", { how: "never" }, { timeoutMs: 100 }));
  const aborter = new AbortController();
  const aborted = ann.request("fail", { how: "never" }, { signal: aborter.signal });
  await waitFor(() => node.hub.stats().handling === 2, { what: "both questions" });
  clock.advance(100);
  assertEquals(await timed, "TIMEOUT");
  aborter.abort(new Error("changed my mind"));
  assertEquals((await rejection(aborted) as Error).message, "changed my mind");
  await waitFor(() => node.hub.stats().handling === 0, { what: "both to be taken back" });
  assertEquals(node.errors, []);
  await ann.close();
  await empty(node);
});

test("conn.request asks the client, and a timeout or abort takes the question back from it", async () => {
  const clock = new FakeClock();
  await using node = await createNode(undefined, { clock, heartbeatMs: 1e9 });
  const ann = await node.member("ann");
  const target = node.hub.connection(ann.connectionId!);
  assertEquals(await codeOf(() => target.request("confirm", { question: "?" })), "NOT_FOUND"); // no handler yet
  ann.implement({ confirm: ({ question }) => question === "sure?" });
  assertEquals(await target.request("confirm", { question: "sure?" }), true);
  const taken: unknown[] = [];
  ann.implement({
    confirm: (_, { signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => (taken.push(1), reject(signal.reason)))
      ),
  });
  const timed = codeOf(() => target.request("confirm", { question: "?" }, { timeoutMs: 100 }));
  const usual = codeOf(() => target.request("confirm", { question: "?" }));
  const aborter = new AbortController();
  const aborted = target.request("confirm", { question: "?" }, { signal: aborter.signal });
  await turn();
  assertEquals(node.hub.stats().asking, 3);
  clock.advance(100);
  assertEquals(await timed, "TIMEOUT");
  aborter.abort(new Error("never mind"));
  assertEquals((await rejection(aborted) as Error).message, "never mind");
  clock.advance(9_900);
  assertEquals(await usual, "TIMEOUT");
  await waitFor(() => taken.length === 3, { what: "the client to hear of it" });
  assertEquals(node.hub.stats().asking, 0);
  assertEquals(
    await codeOf(() => node.hub.connection("nobody").request("confirm", { question: "?" })),
    "NOT_FOUND",
  );
});

test("an answer of the client that breaks the contract is an error to the asker", async () => {
  await using node = await createNode();
  const client = await rawClient(node.loopback.client());
  const [, welcome] = client.heard[0] as [string, { connection: string }];
  const target = node.hub.connection(welcome.connection);
  const answers: [unknown[], string][] = [
    [["res", 1, "yes"], "VALIDATION"],
    [["res", 2], "VALIDATION"],
    [["err", 3, { code: "BUSY", message: "later" }], "BUSY"],
  ];
  for (const [answer, code] of answers) {
    const asked = codeOf(() => target.request("confirm", { question: "?" }));
    await turn();
    client.say(answer, answer);
    assertEquals(await asked, code);
  }
  assertEquals([node.hub.stats().asking, client.closed], [0, undefined]);
});

test("a request id is not taken twice at once, and is free again after its answer", async () => {
  await using node = await createNode();
  const client = await rawClient(node.loopback.client());
  client.say(["req", 1, "fail", { how: "never" }], ["req", 1, "say", { room: "r", text: "" }]);
  await turn();
  assertEquals((client.heard.at(-1)![2] as { code: string }).code, "BAD_REQUEST");
  client.say(["cancel", 1], ["req", 1, "say", { room: "r", text: "" }]);
  await turn();
  assertEquals(client.heard.at(-1), ["res", 1, { id: "1" }]);
});

test("conn in a handler knows its user, role, address and rooms, and closes its client for good", async () => {
  const loopback = createLoopbackTransport();
  await using hub = createHub(chat, {
    authenticate: ({ role, token, address, request }) => ({
      role,
      user: { id: token!, name: "Ann" },
      ctx: { via: `${address} ${new URL(request.url).host}` },
    }),
    transports: [loopback],
  });
  const seen: unknown[] = [];
  hub.implement({
    member: {
      ...complete,
      join: async ({ room }, { conn }) => {
        await hub.room(room).add(conn);
        seen.push([conn.role, conn.user, conn.ctx, conn.address, [...conn.rooms]]);
        conn.emit("message", { room, text: "bye" });
        conn.close();
        conn.close();
        await turn();
        conn.emit("dm", { text: "to nobody" });
        seen.push(conn.signal.aborted);
      },
    },
  });
  await hub.ready;
  const frames: string[] = [];
  const client = await rawClient(recorded(loopback.client({ address: "10.1.1.1" }), frames), {
    role: "member",
    token: "ann",
  });
  client.say(["req", 1, "join", { room: "lobby" }]);
  await waitFor(() => seen.length === 2, { what: "the handler" });
  assertEquals(seen, [
    ["member", { id: "ann", name: "Ann" }, { via: "10.1.1.1 loopback" }, "10.1.1.1", ["lobby"]],
    true,
  ]);
  assertEquals(client.heard.slice(1).map(([kind]) => kind), ["ev"]); // what was sent before the close
  assertEquals(client.closed?.code, 4505);
});

test("implement takes all handlers at once, or none", async () => {
  const loopback = createLoopbackTransport();
  await using hub = createHub(chat, { authenticate: ({ role }) => ({ role }), transports: [loopback] });
  await hub.ready;
  const client = await rawClient(loopback.client());
  client.say(["req", 1, "say", { room: "r", text: "" }]);
  await turn();
  assertEquals((client.heard.at(-1)![2] as { code: string }).code, "UNAVAILABLE");
  const { boom: _, ...missing } = complete;
  const wrong: [unknown, string][] = [
    [
      {},
      "without handlers for member.join, member.leave, member.say, member.fail, member.typing, member.boom:",
    ],
    [{ member: missing }, "without handlers for member.boom:"],
    [{ member: { ...complete, extra: ignore } }, '"extra"'],
    [{ member: { ...complete, boom: "no function" } }, "member.boom"],
    [{ member: complete, guest: {} }, '"guest"'],
    [{ member: complete, shared: { ping: ignore } }, '"ping"'],
    [{ member: complete, admin: { ban: ignore } }, '"ban"'],
  ];
  for (const [handlers, what] of wrong) assertThrows(() => hub.implement(handlers as never), TypeError, what);
  hub.implement({ member: complete });
  assertThrows(() => hub.implement({ member: complete }), TypeError, "twice");
  client.say(["req", 2, "say", { room: "r", text: "" }]);
  await turn();
  assertEquals(client.heard.at(-1), ["res", 2, { id: "" }]);
});

test("a question may wait for ever", async () => {
  await using node = await createNode(undefined, { requestTimeoutMs: Infinity });
  const ann = await node.member("ann");
  const answer = Promise.withResolvers<boolean>();
  ann.implement({ confirm: () => answer.promise });
  const asked = node.hub.connection(ann.connectionId!).request("confirm", { question: "?" });
  await turn();
  await turn();
  assertEquals(node.hub.stats().asking, 1);
  answer.resolve(true);
  assertEquals(await asked, true);
});

test("a pattern is no topic's name: publishing and subscribing say what to write, instead of waiting for messages that never come", async () => {
  await using node = await createNode();
  const ann = await node.member("ann");
  const pattern = "ticker/:symbol" as const;
  const text =
    'Cannot use the pattern "ticker/:symbol" as a topic\'s name: write a value for each parameter, or use topic(pattern, params)';
  const { hub } = node;
  const calls = [
    () => ann.subscribe(pattern, () => {}).ready,
    () => hub.publish(pattern, { price: 1 }),
  ];
  for (const call of calls) {
    const refusal = await assertRejects(async () => await call(), HubError);
    assertEquals([refusal.code, refusal.message], ["BAD_REQUEST", text]);
  }
  await ann.topic(pattern, { symbol: "ACME" }).subscribe(() => {}).ready;
  await ann.close();
});

test("a topic of a role that is published as a shared one is refused, and the error says how to publish it", async () => {
  await using node = await createNode();
  const publish = node.hub.publish as (topic: string, payload: unknown) => unknown;
  const refusal = await assertRejects(async () => await publish("audit", { entry: "x" }), HubError);
  assertEquals(
    refusal.message,
    'The contract has no shared topic "audit": role "admin" has it, use hub.forRole("admin")',
  );
  const unknown = await assertRejects(async () => await publish("nothing", {}), HubError);
  assert(
    unknown.message.startsWith('The contract has no shared topic "nothing": no such topic, there are "'),
  );
  for (
    const [name, kind] of [["message", "an event"], ["confirm", "a request to clients"], [
      "say",
      "a request",
    ]]
  ) {
    const other = await assertRejects(async () => await publish(name!, {}), HubError);
    assertEquals(other.message, `The contract has no shared topic "${name}": it is ${kind}`);
  }
});

test("an event that the contract does not declare is refused, and the error says what the name is, or what there is", async () => {
  await using node = await createNode();
  const room = node.hub.room("lobby") as unknown as { broadcast(name: string, payload: unknown): void };
  const expected = [
    ["mesage", 'Cannot send event "mesage": no such event, did you mean "message"?'],
    ["stats", 'Cannot send event "stats": it is a topic'],
    ["confirm", 'Cannot send event "confirm": it is a request to clients'],
  ];
  for (const [name, text] of expected) {
    assertThrows(() => room.broadcast(name!, {}), HubError, text);
  }
});
