import { assertEquals } from "@std/assert";
import { createClient } from "@trunkline/hub";
import { test, waitFor } from "../harness.ts";
import { chat, createNode } from "./chat.ts";
import { rawClient, recorded, turn } from "./wires.ts";

const member = { role: "member", token: "ann" };

/** The kinds of the messages that came, with what tells them apart. */
const kinds = (heard: readonly (readonly unknown[])[]) => heard.map(([kind, first]) => [kind, first]);

test("topics of a hello are subscribed after the welcome, each like a sub", async () => {
  await using node = await createNode();
  const topics = [[7, "stats"], [8, "log/a"], [9, "no such"], [10, "audit"], [11, "stats"]];
  const raw = await rawClient(node.loopback.client(), { ...member, topics });
  await waitFor(() => raw.heard.length === 6, { what: "an answer to each" });
  const [[, welcome], ...answers] = raw.heard as [string, unknown, { code: string }][];
  assertEquals((welcome as { topics: boolean }).topics, true);
  assertEquals(
    answers.map(([kind, id, output]) => [kind, id, output?.code]).toSorted((a, b) =>
      Number(a[1]) - Number(b[1])
    ),
    [
      ["res", 7, undefined],
      ["res", 8, undefined],
      ["err", 9, "NOT_FOUND"],
      ["err", 10, "NOT_FOUND"], // of another role
      ["err", 11, "BAD_REQUEST"], // subscribed already
    ],
  );
  node.hub.publish("stats", { n: 1 });
  await waitFor(() => raw.heard.length === 7, { what: "the message" });
  assertEquals(raw.heard.at(-1), ["pub", "stats", { n: 1 }]);
});

test("the answers to the topics of a hello come in the frame of the welcome, if nothing takes time", async () => {
  const { promise: decided, resolve: decide } = Promise.withResolvers<boolean>();
  await using node = await createNode(undefined, { authorize: { "log/:name": () => decided } });
  const earlier = await rawClient(node.loopback.client(), {
    ...member,
    topics: [[1, "stats"], [2, "ticker/a"]],
  });
  await waitFor(() => earlier.heard.length === 3, { what: "the topics to be live" });
  const frames: string[] = [];
  const topics = [[7, "stats"], [8, "log/a"], [9, "no such"], [10, "ticker/a"]];
  const raw = await rawClient(recorded(node.loopback.client(), frames), { ...member, topics });
  await waitFor(() => raw.heard.length === 4, { what: "the answers that take no time" });
  assertEquals(frames.length, 1);
  assertEquals(kinds(raw.heard).slice(1), [["res", 7], ["err", 9], ["res", 10]]);
  decide(true);
  await waitFor(() => raw.heard.length === 5, { what: "the answer of the rule" });
  assertEquals(kinds(raw.heard).at(-1), ["res", 8]);
});

test("a hello without topics is answered as before", async () => {
  await using node = await createNode();
  const raw = await rawClient(node.loopback.client(), member);
  assertEquals("topics" in (raw.heard[0]![1] as object), false);
});

test("invalid topics in a hello end the link, and belong to no client", async () => {
  await using node = await createNode();
  for (
    const topics of [
      "stats",
      [["stats"]],
      [[1]],
      [[0, "stats"]],
      [[1, "stats", "since"]],
      [[1, "stats", {}, 1]],
      {},
      null,
    ]
  ) {
    const raw = await rawClient(node.loopback.client(), { ...member, topics });
    await waitFor(() => raw.closed, { what: `the close after ${JSON.stringify(topics)}` });
    assertEquals(raw.closed!.code, 4500);
  }
  assertEquals(node.hub.stats().subscriptions, 0);
});

test("a hello with more topics than allowed is refused before authenticate is called", async () => {
  let asked = 0;
  await using node = await createNode(undefined, {
    authenticate: ({ role }) => (asked++, { role, user: { id: "ann" } }) as never,
  });
  const many = (count: number, more: readonly unknown[] = []) =>
    Array.from({ length: count }, (_, i) => [i + 1, "x", ...more]);
  for (
    const topics of [many(1_025), [[1, "x".repeat(8_192)]], many(130, [{ since: ["e".repeat(64), 1] }])]
  ) {
    const raw = await rawClient(node.loopback.client(), { ...member, topics });
    await waitFor(() => raw.closed, { what: "the refusal" });
    const [[, fault]] = raw.heard as [[string, { code: string; message: string }]];
    assertEquals([raw.closed!.code, fault.code], [4500, "BAD_REQUEST"]);
    assertEquals(
      fault.message,
      "A hello may ask for topics of 8192 bytes: ask for the others after the welcome",
    );
  }
  assertEquals(asked, 0);
  const most = await rawClient(node.loopback.client(), { ...member, topics: many(900) });
  await waitFor(() => most.heard.length === 901, { what: "an answer to each" });
});

test("a refused client subscribes to nothing, and no rule is called", async () => {
  let asked = 0;
  await using node = await createNode(undefined, {
    authorize: { stats: () => (asked++, true) },
    onConnection: () => false,
  });
  const raw = await rawClient(node.loopback.client(), { ...member, topics: [[1, "stats"]] });
  await waitFor(() => raw.closed, { what: "the refusal" });
  assertEquals([kinds(raw.heard).map(([kind]) => kind), asked], [["fault"], 0]);
  assertEquals(node.hub.stats().subscriptions, 0);
});

test("the topics of a hello count against the rate, and against the limit of subscriptions", async () => {
  await using node = await createNode(undefined, {
    limits: { messagesPerSecond: 4, messageBurst: 4, maxSubscriptions: 2, maxConnectionsPerAddress: 9 },
  });
  const topics = Array.from({ length: 6 }, (_, i) => [i + 1, `ticker/${i}`]);
  const raw = await rawClient(node.loopback.client(), { ...member, topics });
  await waitFor(() => raw.heard.length === 7, { what: "an answer to each" });
  const refused = raw.heard.filter(([kind]) => kind === "err").map(([, id]) => id);
  assertEquals(refused.toSorted(), [3, 4, 5, 6]);
  assertEquals(node.hub.stats().limited > 0, true);
});

test("a client is live with one frame of its own", async () => {
  await using node = await createNode();
  const frames: string[] = [];
  const sent: string[] = [];
  const loopback = recorded(node.loopback.client(), frames);
  const client = createClient(chat, {
    url: "ws://loopback",
    role: "member",
    token: "ann",
    transport: {
      connect: (url, protocols, events) =>
        loopback.connect(url, protocols, {
          ...events,
          open: (link) => {
            const send = link.send.bind(link);
            link.send = (frame) => (sent.push(String(frame)), send(frame));
            events.open(link);
          },
          message: (frame) => events.message(frame),
          drain: () => events.drain(),
          close: (code, reason) => events.close(code, reason),
        }),
    },
  });
  const heard: number[] = [];
  const stats = client.subscribe("stats", ({ n }) => void heard.push(n));
  await stats.ready;
  node.hub.publish("stats", { n: 1 });
  await waitFor(() => heard.length === 1, { what: "the message" });
  await turn();
  assertEquals(sent.length, 1);
  await client.close();
});
