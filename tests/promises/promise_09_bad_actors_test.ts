import { assert, assertEquals } from "@std/assert";
import { createClient, createHub, HubError } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { test, waitFor } from "../harness.ts";
import { chat, createNode, type Node } from "../hub/chat.ts";
import { empty, testOnAdapters } from "../hub/cluster.ts";
import { codeOf, rawClient, recorded, rejection, turn } from "../hub/wires.ts";

const SECRET = "hunter2";
const fails = () => {
  throw new Error(`the password is ${SECRET}`);
};
const failsLater = async () => {
  await turn();
  fails();
};

/** Shows that a node serves a newcomer as it should. */
async function serves(node: Node): Promise<void> {
  const client = await node.member("newcomer");
  await client.request("say", { room: "nowhere", text: "" });
  await client.close();
}

test("promise 9: handlers that throw give their caller only a code, and other clients notice nothing", async () => {
  await using node = await createNode();
  const frames: string[] = [];
  const ann = await node.member("ann", { transport: recorded(node.loopback.client(), frames), onError() {} });
  const known = await rejection(ann.request("fail", { how: "known" }));
  const unknown = await rejection(ann.request("fail", { how: "unknown" }));
  assertEquals([known.code, unknown.code, unknown.message], [
    "INTERNAL",
    "INTERNAL",
    'Cannot handle "fail": internal error, see onError of the server',
  ]);
  ann.signal("boom", {});
  await waitFor(() => frames.some((frame) => frame.includes("fault")), { what: "the fault" });
  await serves(node);
  assertEquals(node.errors.map(({ info: { stage, name } }) => `${stage} ${name}`), [
    "handler fail",
    "handler fail",
    "handler boom",
  ]);
  assertEquals((node.errors[1]!.error as Error).message, "the password is hunter2");
  assertEquals(frames.filter((frame) => frame.includes(SECRET) || frame.includes("boom.ts")), []);
  await ann.close();
  await empty(node);
});

test("promise 9: a HubError of a handler arrives with its code, message and data; parts that cannot be sent do not", async () => {
  const loopback = createLoopbackTransport();
  const errors: unknown[] = [];
  await using hub = createHub(chat, {
    authenticate: ({ role }) => ({ role }),
    transports: [loopback],
    onError: (error) => errors.push(error),
  });
  let data: unknown = { seats: 0 };
  const refuse = () => {
    throw new HubError("ROOM_FULL", "Cannot join: it is full", { data, cause: new Error(SECRET) });
  };
  hub.implement({
    member: {
      join: refuse,
      leave: async () => (await turn(), refuse()),
      say: refuse,
      fail: refuse,
      typing: refuse,
      boom: refuse,
    },
  });
  await hub.ready;
  const frames: string[] = [];
  await using client = createClient(chat, {
    url: "ws://loopback",
    role: "member",
    transport: recorded(loopback.client(), frames),
    onError: (error) => errors.push(error),
  });
  for (const call of ["join", "leave"] as const) {
    const { code, message, data } = await rejection(client.request(call, { room: "r" }));
    assertEquals([code, message, data], ["ROOM_FULL", "Cannot join: it is full", { seats: 0 }]);
  }
  assertEquals(errors, []);
  data = { big: 1n };
  const bare = await rejection(client.request("join", { room: "r" }));
  assertEquals([bare.code, bare.data, errors.length], ["ROOM_FULL", undefined, 1]);
  client.signal("boom", {});
  await waitFor(() => errors.some((error) => (error as HubError).code === "ROOM_FULL"), {
    what: "the fault",
  });
  assertEquals(frames.filter((frame) => frame.includes(SECRET)), []);
});

test("promise 9: listeners of a client that throw hurt no other listener", async () => {
  await using node = await createNode();
  const errors: string[] = [];
  const ann = await node.member("ann", { onError: (_, { stage, name }) => errors.push(`${stage} ${name}`) });
  const heard: unknown[] = [];
  for (const bad of [fails, failsLater]) {
    ann.on("dm", bad);
    ann.subscribe("stats", bad);
  }
  ann.on("dm", ({ text }) => heard.push(text));
  await ann.subscribe("stats", ({ n }) => heard.push(n)).ready;
  for (let n = 0; n < 2; n++) {
    node.hub.user("ann").emit("dm", { text: `${n}` });
    node.hub.publish("stats", { n });
  }
  await waitFor(() => errors.length === 8, { what: "all errors" });
  assertEquals(heard, ["0", 0, "1", 1]);
  assertEquals(new Set(errors), new Set(["event dm", "topic stats"]));
  ann.implement({ confirm: fails });
  const asked = node.hub.connection(ann.connectionId!).request("confirm", { question: "?" });
  assertEquals((await rejection(asked)).message.includes(SECRET), false);
  assertEquals(ann.status, "open");
});

test("promise 9: hooks that throw, now or later, are reported, and others are served", async () => {
  for (const bad of [fails, failsLater]) {
    let hurt = true;
    const hook = () => hurt ? bad() : undefined;
    await using node = await createNode(undefined, {
      onConnection: ({ user }) => user?.id === "victim" ? hook() : undefined,
      onDisconnect: ({ user }) => user?.id === "leaver" ? hook() as void : undefined,
      authorize: { stats: async () => (await hook(), true) },
      address: (_request, peer) => peer === "bad address" ? (fails(), undefined) : peer,
      origins: () => (fails(), true),
    });
    const refused: string[] = [];
    const connect = (options: Parameters<Node["member"]>[1]) =>
      node.member("victim", { reconnect: false, onError() {}, ...options }).catch((error) =>
        refused.push(error.code)
      );
    await connect({});
    await connect({ transport: node.loopback.client({ address: "bad address" }) });
    await connect({ transport: node.loopback.client({ headers: { origin: "https://evil.example" } }) });
    assertEquals(refused, ["INTERNAL", "UNAVAILABLE", "UNAVAILABLE"]);
    const ann = await node.member("ann");
    const leaver = await node.member("leaver");
    assertEquals(await codeOf(() => ann.subscribe("stats", () => {}).ready), "INTERNAL");
    await leaver.close();
    await waitFor(() => node.errors.length >= 5, { what: "all reports" });
    for (const { error } of node.errors) assert((error as Error).message.includes(SECRET));
    await serves(node);
    hurt = false;
    await ann.subscribe("stats", () => {}).ready;
    await ann.close();
    await empty(node);
  }
});

test("promise 9: an onError that throws, now or later, takes nothing with it", async () => {
  const print = console.error;
  const printed: unknown[] = [];
  console.error = (...words) => printed.push(words);
  try {
    for (const bad of [fails, failsLater]) {
      await using node = await createNode(undefined, { onError: bad as () => void });
      const ann = await node.member("ann", { onError: bad as () => void });
      assertEquals(await codeOf(() => ann.request("fail", { how: "unknown" })), "INTERNAL");
      ann.on("dm", fails);
      node.hub.user("ann").emit("dm", { text: "" });
      await waitFor(() => printed.length >= 2, { what: "both to be printed" });
      await serves(node);
      printed.length = 0;
    }
  } finally {
    console.error = print;
  }
});

test("promise 9: an authentication that throws or hangs is one client's trouble", async () => {
  await using node = await createNode(undefined, {
    limits: { handshakeTimeoutMs: 50 },
    authenticate: ({ role, token, signal }) => {
      if (token === "throws") fails();
      if (token === "hangs") return new Promise((_, reject) => signal.addEventListener("abort", reject));
      return { role, user: { id: token! } };
    },
  });
  const frames: string[] = [];
  for (const token of ["throws", "hangs"]) {
    const transport = recorded(node.loopback.client(), frames);
    const client = await codeOf(() => node.member(token, { transport, reconnect: false, onError() {} }));
    assertEquals([token, client === "no error"], [token, false]);
  }
  await serves(node);
  await empty(node);
  assertEquals(frames.filter((frame) => frame.includes(SECRET)), []);
  assertEquals(frames.filter((frame) => frame.startsWith("closed")).map((frame) => frame.slice(0, 11)), [
    "closed 4006",
    "closed 4003",
  ]);
});

testOnAdapters(
  "promise 9: listeners of the bus that throw hurt no other listener and no asker",
  async (start) => {
    await using cluster = await start(3);
    const [a, b, c] = cluster.nodes;
    const heard: string[] = [];
    for (const bad of [fails, failsLater]) b!.hub.onServer("invalidate", bad);
    b!.hub.onServer("invalidate", ({ key }) => void heard.push(key));
    b!.hub.onServer("load", fails);
    c!.hub.onServer("load", () => ({ conns: 3 }));
    a!.hub.emitServer("invalidate", { key: "k" });
    await waitFor(() => heard.length === 1 && b!.errors.length === 2, { what: "the event" });
    const { answers, missing } = await a!.hub.requestServers("load", {});
    assertEquals([[...answers], missing], [[[c!.hub.nodeId, { conns: 3 }]], [{
      node: b!.hub.nodeId,
      reason: "failed",
      code: "INTERNAL",
      message: "Internal error",
    }]]);
    assertEquals(b!.errors.map(({ info: { stage, name } }) => `${stage} ${name}`), [
      "listener invalidate",
      "listener invalidate",
      "handler load",
    ]);
  },
);

testOnAdapters(
  "promise 9: a client that breaks the protocol is closed, and other clients notice nothing",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const ann = await a!.member("ann");
    const heard: string[] = [];
    ann.on("dm", ({ text }) => heard.push(text));
    const frames = [
      "not json",
      "{}",
      "[1]",
      "[[]]",
      '[["nothing"]]',
      '[["hello",{"role":"member"}]]',
      '[["welcome",{}]]',
      '[["req","1","say"]]',
      '[["req",-1,"say"]]',
      '[["sub",1]]',
      '[["sub",1,"stats",{"since":["e",-1]}]]',
      '[["sig",{"toString":1}]]',
      `[["sig","typing","${"x".repeat(300_000)}"]]`,
      "[".repeat(50_000),
    ];
    for (const frame of frames) {
      const bad = await rawClient(a!.loopback.client());
      bad.sayRaw(frame);
      await waitFor(() => bad.closed, { what: `an end after ${frame.slice(0, 40)}` });
      assert([4500, 4504, 1009].includes(bad.closed!.code), `${frame.slice(0, 40)}: ${bad.closed!.code}`);
    }
    const polite = await rawClient(a!.loopback.client());
    polite.say(
      ["req", 1, "__proto__", {}],
      ["req", 2, "constructor"],
      ["sub", 3, "__proto__"],
      ["sub", 4, "ticker/"],
      ["req", 5, "say", JSON.parse('{"__proto__":{"room":"r","text":"t"}}')],
      ["sig", "toString"],
      ["unsub", "toString"],
      ["res", 7],
      ["cancel", 8],
    );
    await turn();
    assertEquals(
      polite.heard.slice(1).map(([kind, id, error]) => [kind, (error as { code?: string }).code ?? id]),
      [
        ["err", "NOT_FOUND"],
        ["err", "NOT_FOUND"],
        ["err", "NOT_FOUND"],
        ["err", "NOT_FOUND"],
        ["err", "BAD_REQUEST"],
        ["fault", { code: "NOT_FOUND", message: 'Role "member" has no signal "toString"' }],
      ],
    );
    assertEquals(polite.closed, undefined);
    b!.hub.user("ann").emit("dm", { text: "still here" });
    await waitFor(() => heard.length > 0, { what: "the message" });
    assertEquals([heard, a!.errors], [["still here"], []]);
  },
);
