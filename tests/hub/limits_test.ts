import { assertEquals, assertThrows } from "@std/assert";
import { createHub, createMemoryAdapter, type HubOptions } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, type ChatDefinition, createNode } from "./chat.ts";
import { empty } from "./cluster.ts";
import { codeOf, type RawClient, rawClient, recorded, turn } from "./wires.ts";

/** How many messages of a kind came. */
const count = ({ heard }: RawClient, kind: string) => heard.filter((message) => message[0] === kind).length;

test("a client that sends faster than the rate is refused, and closed as a flood if that goes on", async () => {
  const clock = new FakeClock();
  await using node = await createNode(undefined, {
    clock,
    limits: { messagesPerSecond: 10, messageBurst: 20 },
  });
  const client = await rawClient(node.loopback.client());
  const signal = ["sig", "typing", { room: "r", at: 1 }];
  client.say(...Array(25).fill(signal));
  await turn();
  assertEquals([node.typed.length, count(client, "fault")], [20, 5]);
  assertEquals((client.heard.at(-1) as unknown[])[2], "typing");
  client.say(["req", 1, "say", { room: "r", text: "" }], ["sub", 2, "stats"]);
  await turn();
  assertEquals(
    client.heard.slice(-2).map(([kind, id, error]) => [kind, id, (error as { code: string }).code]),
    [
      ["err", 1, "RATE_LIMITED"],
      ["err", 2, "RATE_LIMITED"],
    ],
  );
  clock.advance(1_000);
  client.say(...Array(11).fill(signal));
  await turn();
  assertEquals([node.typed.length, client.closed], [30, undefined]);
  clock.advance(2_000); // long enough for the past to be forgiven
  client.say(...Array(40).fill(signal));
  await turn();
  assertEquals([node.typed.length, client.closed], [50, undefined]);
  client.say(signal);
  await waitFor(() => client.closed, { what: "the close" });
  assertEquals(client.closed?.code, 4005);
  await empty(node);
});

test("one connection's flood costs no other its messages", async () => {
  await using node = await createNode(undefined, { limits: { messagesPerSecond: 1, messageBurst: 10 } });
  const rude = await rawClient(node.loopback.client());
  const ann = await node.member("ann");
  rude.say(...Array(100).fill(["sig", "boom", {}]));
  await waitFor(() => rude.closed, { what: "the close" });
  assertEquals(await ann.request("say", { room: "r", text: "" }), { id: "1" });
});

test("connections are bounded: of the hub, of a user, of an address", async () => {
  await using node = await createNode(undefined, {
    limits: { maxConnections: 5, maxConnectionsPerUser: 2, maxConnectionsPerAddress: 3 },
  });
  const at = (address: string) => node.loopback.client({ address });
  const connect = (token: string, address: string) => rawClient(at(address), { role: "member", token });
  const first = await connect("ann", "10.0.0.1");
  await connect("ann", "10.0.0.2");
  const third = await connect("ann", "10.0.0.3");
  await waitFor(() => third.closed, { what: "the refusal" });
  assertEquals([third.heard[0]![0], third.closed?.code], ["fault", 4004]);
  await connect("bob", "10.0.0.1");
  await connect("cid", "10.0.0.1");
  assertEquals((await connect("dora", "10.0.0.1")).closed?.code, 1006); // 429 before there is a link
  const fifth = await connect("dora", "10.0.0.4");
  assertEquals((await connect("eve", "10.0.0.5")).closed?.code, 1006); // 503
  assertEquals([node.hub.stats().connections, node.errors], [5, []]);

  first.leave();
  await waitFor(() => node.hub.stats().connections === 4, { what: "a place" });
  const again = await connect("ann", "10.0.0.1");
  assertEquals(again.heard[0]![0], "welcome");
  for (const client of [again, fifth]) client.leave();
});

test("a refused connection takes no place of the limits", async () => {
  await using node = await createNode(undefined, {
    authenticate: ({ role, token }) => {
      if (token === "bad") throw new Error("no");
      return { role, user: { id: "ann" } };
    },
    limits: { maxConnections: 1, maxConnectionsPerUser: 1, maxConnectionsPerAddress: 1 },
  });
  for (let n = 0; n < 5; n++) {
    const bad = await rawClient(node.loopback.client(), { role: "member", token: "bad" });
    await waitFor(() => bad.closed && node.hub.stats().handshakes === 0, { what: "the refusal" });
  }
  await node.member("good");
});

test("a client that sends no hello, or is not authenticated, in time is closed with 4003", async () => {
  const clock = new FakeClock();
  const aborted: unknown[] = [];
  await using node = await createNode(undefined, {
    clock,
    limits: { handshakeTimeoutMs: 1_000 },
    authenticate: ({ role, token, signal }) => {
      if (token !== "slow") return { role };
      return new Promise((_, reject) => {
        signal.addEventListener("abort", () => (aborted.push(signal.reason), reject(signal.reason)));
      });
    },
  });
  const silent = await rawClient(node.loopback.client(), null);
  const slow = rawClient(node.loopback.client(), { role: "member", token: "slow" });
  const quick = await rawClient(node.loopback.client());
  assertEquals([node.hub.stats().handshakes, node.hub.stats().connections], [2, 1]);
  clock.advance(999);
  await turn();
  assertEquals(silent.closed, undefined);
  clock.advance(1);
  assertEquals((await slow).closed?.code, 4003);
  await turn();
  assertEquals([silent.closed?.code, quick.closed, aborted.length], [4003, undefined, 1]);
  quick.leave();
  await empty(node);
});

test("frames above the limit are refused by either side, and the client says which message", async () => {
  await using node = await createNode(undefined, { limits: { maxFrameBytes: 1_000 } });
  const ann = await node.member("ann");
  const text = "x".repeat(1_000);
  assertEquals(await codeOf(() => ann.request("say", { room: "r", text })), "TOO_LARGE");
  assertEquals(await ann.request("say", { room: "r", text: "x" }), { id: "1" });
  const rude = await rawClient(node.loopback.client());
  rude.say(["req", 1, "say", { room: "r", text }]);
  await waitFor(() => rude.closed, { what: "the close" });
  assertEquals([1009, 4504].includes(rude.closed!.code), true);
  const hello = rawClient(node.loopback.client(), { role: "member", token: text });
  assertEquals([1009, 4504].includes((await hello).closed!.code), true);
  assertEquals(ann.status, "open");
});

test("messages of the server in one turn share frames, within limits, and a single message leaves at once", async () => {
  await using node = await createNode(undefined, { limits: { outbox: { maxFrameMessages: 10 } } });
  const frames: string[] = [];
  const ann = await node.member("ann", { transport: recorded(node.loopback.client(), frames) });
  frames.length = 0;
  for (let n = 0; n < 25; n++) node.hub.user("ann").emit("dm", { text: `${n}` });
  await turn();
  assertEquals(frames.map((frame) => JSON.parse(frame).length), [10, 10, 5]);
  node.hub.user("ann").emit("dm", { text: "lone" });
  await turn();
  assertEquals([frames.length, ann.status], [4, "open"]);
});

test("options that make no sense are refused when the hub is created", () => {
  const create =
    (options: Partial<HubOptions<ChatDefinition, { id: string } | undefined, undefined>>) => () =>
      createHub(chat, {
        authenticate: ({ role }) => ({ role }),
        transports: [createLoopbackTransport()],
        adapter: createMemoryAdapter(),
        ...options,
      });
  const wrong: Partial<HubOptions<ChatDefinition, { id: string } | undefined, undefined>>[] = [
    { limits: { maxFrameBytes: 0 } },
    { limits: { messageBurst: NaN } },
    { limits: { outbox: { maxMessages: -1 } } },
    { cluster: { heartbeatMs: 20_000 } },
    { cluster: { heartbeatMs: 0 } },
    { cluster: { nodeTimeoutMs: NaN } },
    { heartbeatMs: 0 },
    { heartbeatMs: NaN },
    { requestTimeoutMs: -1 },
    { backplaneTimeoutMs: 0 },
    { cluster: { requestTimeoutMs: 0 } },
  ];
  for (const options of wrong) {
    assertThrows(create(options), RangeError, "Cannot use", JSON.stringify(options));
  }
  assertThrows(create({ transports: [] }), TypeError, "give a list of at least 1");
});
