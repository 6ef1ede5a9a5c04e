import { assertEquals } from "@std/assert";
import { type ClientStatus, createHub, HubError } from "@trunkline/hub";
import type { AdapterContext } from "@trunkline/hub/adapters/adapter";
import { createMemoryAdapter } from "@trunkline/hub/adapters/memory";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, createNode, createNodes } from "./chat.ts";
import { empty } from "./cluster.ts";
import { codeOf, network, rawClient, recorded, rejection, turn } from "./wires.ts";

test("a client whose link breaks reconnects, subscribes again, and is a new connection for the hub", async () => {
  const events: string[] = [];
  await using node = await createNode(undefined, {
    onConnection: ({ user }) => void events.push(`+${user?.id}`),
    onDisconnect: ({ user }, { code }) => void events.push(`-${user?.id} ${code}`),
  });
  const line = node.loopback.client();
  const ann = await node.member("ann", { transport: line });
  const statuses: ClientStatus[] = [];
  ann.onStatus((status) => statuses.push(status));
  const heard: number[] = [];
  await ann.subscribe("stats", ({ n }) => heard.push(n)).ready;
  await ann.request("join", { room: "lobby" });
  const first = ann.connectionId;
  line.sever();
  await waitFor(() => statuses.at(-1) === "open" && node.hub.stats().subscriptions === 1, {
    what: "the return",
  });
  node.hub.publish("stats", { n: 1 });
  await waitFor(() => heard.length > 0, { what: "the topic" });
  assertEquals([ann.connectionId === first, statuses[0]], [false, "reconnecting"]);
  assertEquals((await node.hub.room("lobby").members()).connections, []); // rooms are the server's to give
  await ann.close();
  assertEquals(events, ["+ann", "-ann 1006", "+ann", "-ann 1000"]);
  await empty(node);
});

test("a clean close does not reconnect", async () => {
  await using node = await createNode();
  const ann = await node.member("ann", { reconnect: { baseMs: 0, maxMs: 0 } });
  await ann.close();
  await turn();
  assertEquals([ann.status, node.hub.stats().connections], ["closed", 0]);
  await empty(node);
});

test("failed authentication is terminal, with its code; any other error is tried again", async () => {
  let broken = 2;
  await using node = await createNode(undefined, {
    authenticate: ({ role, token }) => {
      if (token === "bad") throw new HubError("UNAUTHENTICATED", "Sign in first", { data: { at: "/login" } });
      if (token === "banned") throw new HubError("FORBIDDEN", "You are banned");
      if (token === "lying") return { role: "admin" };
      if (broken-- > 0) throw new Error("the database is away: hunter2");
      return { role };
    },
  });
  const cases: [token: string, code: string, close: number, message: string][] = [
    ["bad", "UNAUTHENTICATED", 4501, "Sign in first"],
    ["banned", "FORBIDDEN", 4502, "You are banned"],
    ["lying", "FORBIDDEN", 4502, 'Not allowed to connect as "member"'],
  ];
  for (const [token, code, close, message] of cases) {
    const frames: string[] = [];
    const transport = recorded(node.loopback.client(), frames);
    const refusal = await rejection(node.member(token, { transport, onError() {} }));
    await turn();
    assertEquals([refusal.code, refusal.message], [code, message]);
    assertEquals(frames.filter((frame) => frame.startsWith("closed")), [`closed ${close} ${message}`]);
  }
  const stranger = await rawClient(node.loopback.client(), { role: "nobody" });
  await waitFor(() => stranger.closed, { what: "the refusal" });
  assertEquals(stranger.closed?.code, 4502);

  const frames: string[] = [];
  const ann = await node.member("ann", { transport: recorded(node.loopback.client(), frames), onError() {} });
  assertEquals([ann.status, broken], ["open", -1]);
  assertEquals(frames.filter((frame) => frame.startsWith("closed 4006")).length, 2);
  assertEquals([frames.join().includes("hunter2"), node.errors.length], [false, 2]);
  await ann.close();
  await empty(node);
});

test("the token is fetched anew for every connection", async () => {
  const seen: (string | undefined)[] = [];
  await using node = await createNode(undefined, {
    authenticate: ({ role, token }) => (seen.push(token), { role }),
  });
  let last = 0;
  const line = node.loopback.client();
  const ann = await node.member(undefined, {
    token: () => Promise.resolve(`token ${++last}`),
    transport: line,
  });
  line.sever();
  await waitFor(() => ann.status === "open" && seen.length === 2, { what: "the return" });
  assertEquals(seen, ["token 1", "token 2"]);
});

test("requests under way when the link dies are DISCONNECTED at once on both sides, and the handlers' signals abort", async () => {
  await using node = await createNode();
  const line = node.loopback.client();
  const ann = await node.member("ann", { transport: line });
  let toldClient = false;
  ann.implement({
    confirm: (_, { signal }) =>
      new Promise((_, reject) =>
        signal.addEventListener("abort", () => (toldClient = true, reject(signal.reason)))
      ),
  });
  const asked = codeOf(() => ann.request("fail", { how: "never" }));
  const asking = codeOf(() => node.hub.connection(ann.connectionId!).request("confirm", { question: "?" }));
  await waitFor(() => node.hub.stats().handling === 1 && node.hub.stats().asking === 1, { what: "both" });
  line.sever();
  assertEquals(await Promise.all([asked, asking]), ["DISCONNECTED", "DISCONNECTED"]);
  await waitFor(() => toldClient, { what: "the client's handler to be told" });
  await ann.close();
  await empty(node);
});

test("nothing is looked at before authentication, and a second hello is refused", async () => {
  const gate = Promise.withResolvers<void>();
  await using node = await createNode(undefined, {
    authenticate: async ({ role, token }) => {
      if (token === "slow") await gate.promise;
      return { role };
    },
  });
  const silent = await rawClient(node.loopback.client(), null);
  silent.say(["sig", "boom", {}]);
  const eager = rawClient(node.loopback.client(), { role: "member", token: "slow" });
  const twice = await rawClient(node.loopback.client());
  twice.say(["hello", { role: "member" }]);
  await waitFor(() => silent.closed && twice.closed, { what: "both to be closed" });
  assertEquals([silent.closed?.code, twice.closed?.code, node.errors], [4500, 4500, []]);
  gate.resolve();
  (await eager).leave();
  await empty(node);
});

test("onConnection ends before ready, its messages arrive after welcome, and it can refuse", async () => {
  await using node = await createNode(undefined, {
    onConnection: async (conn) => {
      if (conn.user?.id === "full") throw new HubError("FORBIDDEN", "No seat is left");
      if (conn.user?.id === "kicked") return conn.close({ code: 4999, reason: "go away" });
      if (conn.role === "member") conn.emit("message", { room: "", text: "early" });
      await node.hub.room("lobby").add(conn);
    },
  });
  const ann = await rawClient(node.loopback.client(), { role: "member", token: "ann" });
  assertEquals((await node.hub.room("lobby").members()).connections.length, 1);
  await turn();
  assertEquals(ann.heard.map(([kind]) => kind), ["welcome", "ev"]);
  const full = await rejection(node.member("full", { onError() {} }));
  assertEquals([full.code, full.message], ["FORBIDDEN", "No seat is left"]);
  const kicked = await rawClient(node.loopback.client(), { role: "member", token: "kicked" });
  await waitFor(() => kicked.closed, { what: "the close" });
  assertEquals([kicked.closed, kicked.heard], [{ code: 4999, reason: "go away" }, []]);
  ann.leave();
  await empty(node);
});

test("a graceful close moves clients to another node, where they go on", async () => {
  const clock = new FakeClock();
  await using cluster = await createNodes(2, { clock, cluster: { joinTimeoutMs: 0 } });
  const [a, b] = cluster.nodes;
  const lines = { "ws://a/": a!.loopback.client(), "ws://b/": b!.loopback.client() };
  const options = { url: Object.keys(lines), transport: network(lines), clock };
  const clients = await Promise.all(Array.from({ length: 5 }, () => a!.member("ann", options)));
  const heard: number[][] = clients.map(() => []);
  const lost: string[] = [];
  for (const [i, client] of clients.entries()) {
    await client.subscribe("stats", ({ n }) => heard[i]!.push(n)).ready;
    client.onStatus((status, { error }) => error && lost.push(`${status} ${error.code}`));
  }
  assertEquals([a!.hub.stats().connections, b!.hub.stats().connections], [5, 0]);
  const health = async () => (await a!.hub.routes.request("/health")).status;
  assertEquals(await health(), 200);
  clock.advance(5_000); // a client that has just come would wait before it comes again
  const closing = a!.hub.close({ drainMs: 10_000 });
  assertEquals(await health(), 503);
  await turn();
  clock.advance(8_000); // the last moment that one of them may draw
  await waitFor(() => a!.hub.stats().connections === 0, { what: "all clients to have left" });
  await closing; // 2 seconds before its time is up
  clock.advance(0);
  assertEquals(await health(), 503);
  await waitFor(() => b!.hub.stats().subscriptions === 5, { what: "all clients to have moved" });
  b!.hub.publish("stats", { n: 1 });
  await waitFor(() => heard.every(({ length }) => length === 1), { what: "all clients to get it" });
  assertEquals([lost, new Set(clients.map(({ nodeId }) => nodeId))], [[], new Set([b!.hub.nodeId])]);
  await empty(a!);
});

test("clients that do not move in time are closed with 4000, and a hub can be closed twice", async () => {
  await using node = await createNode();
  const stubborn = await rawClient(node.loopback.client());
  const closing = node.hub.close({ drainMs: 20 });
  assertEquals(node.hub.close(), closing);
  await closing;
  await waitFor(() => stubborn.closed, { what: "the close" });
  assertEquals([stubborn.heard.at(-1), stubborn.closed?.code], [["move", 16], 4000]);
  assertEquals((await rawClient(node.loopback.client())).closed?.code, 1006);
  await empty(node);
});

test("health shows the node, its backplane and its connections", async () => {
  await using cluster = await createNodes(2);
  const [a] = cluster.nodes;
  await a!.member();
  await waitFor(() => a!.hub.cluster.nodes().length === 2, { what: "the other node" });
  const response = await a!.hub.routes.request("/health");
  assertEquals([response.status, response.headers.get("cache-control")], [200, "no-store"]);
  const { backplane: { forMs, lagMs, ...backplane }, ...health } = await response.json();
  assertEquals(health, {
    status: "ok",
    ready: true,
    node: a!.hub.nodeId,
    connections: 1,
    nodes: 2,
    refused: {},
  });
  assertEquals(backplane, { adapter: "memory", status: "up", malformed: 0 });
  assertEquals([forMs >= 0, lagMs === null || lagMs >= 0], [true, true]);
  cluster.bus.down();
  const degraded = await (await a!.hub.routes.request("/health")).json();
  assertEquals([degraded.status, degraded.backplane.status], ["degraded", "down"]);
});

test("health shows the adapter's view of the backplane, and tolerates an adapter that throws", async () => {
  let read = (): Record<string, number> => ({ queue: 0.25, waiting: 0, odd: NaN, endless: Infinity });
  const adapter = Object.assign(createMemoryAdapter(), { gauges: () => read() });
  await using hub = createHub(chat, {
    authenticate: ({ role }) => ({ role }),
    transports: [createLoopbackTransport()],
    adapter,
  });
  await hub.ready;
  const gauges = async () => {
    const response = await hub.routes.request("/health");
    return [response.status, (await response.json()).backplane.gauges];
  };
  assertEquals(await gauges(), [200, { queue: 0.25, waiting: 0 }]);
  read = () => ({});
  assertEquals(await gauges(), [200, undefined]);
  read = () => {
    throw new Error("broken");
  };
  assertEquals(await gauges(), [200, undefined]);
});

test("health counts messages that the adapter dropped as malformed, and no lost connections", async () => {
  const adapter = createMemoryAdapter();
  const open = adapter.open.bind(adapter);
  let context: AdapterContext | undefined;
  adapter.open = (given) => open(context = given);
  const told: unknown[] = [];
  await using hub = createHub(chat, {
    authenticate: ({ role }) => ({ role }),
    transports: [createLoopbackTransport()],
    adapter,
    onError: ({ message }, info) => void told.push([message, info]),
  });
  await hub.ready;
  context!.onError(new Error("the subscriber's connection is lost"), { stage: "delivery" });
  context!.onError(new Error("missed a message"), { stage: "delivery", channel: "room:lobby" });
  context!.onError(new Error("ignored 3 messages"), { stage: "delivery", channel: "cluster", foreign: 3 });
  context!.onError(new Error("ignored a message"), { stage: "delivery", foreign: 1 });
  const { backplane } = await (await hub.routes.request("/health")).json();
  assertEquals(backplane.malformed, 4);
  assertEquals(told, [
    ["the subscriber's connection is lost", { stage: "delivery" }],
    ["missed a message", { stage: "delivery", channel: "room:lobby" }],
    ["ignored 3 messages", { stage: "delivery", channel: "cluster" }],
    ["ignored a message", { stage: "delivery" }],
  ]);
});

test("several transports serve one hub, and a broadcast reaches the clients of all", async () => {
  const [one, two] = [createLoopbackTransport(), createLoopbackTransport()];
  await using hub = createHub(chat, {
    authenticate: ({ role }) => ({ role }),
    transports: [one, two],
  });
  await hub.ready;
  const clients = await Promise.all([one, two].map((loopback) => rawClient(loopback.client())));
  hub.forRole("member").emit("dm", { text: "hi" });
  await turn();
  for (const { heard } of clients) assertEquals(heard.slice(1), [["ev", "dm", { text: "hi" }]]);
});

test("a client that pings is answered at once", async () => {
  await using node = await createNode();
  const client = await rawClient(node.loopback.client());
  client.say(["ping"], ["ping"]);
  await turn();
  assertEquals(client.heard.slice(1), [["pong"], ["pong"]]);
  client.leave();
  await empty(node);
});

test("the heartbeat pings silent clients, and closes those that do not answer for two heartbeats", async () => {
  const clock = new FakeClock();
  await using node = await createNode(undefined, { clock, heartbeatMs: 1_000 });
  const silent = await rawClient(node.loopback.client());
  const polite = await rawClient(node.loopback.client());
  const line = node.loopback.client();
  const ann = await node.member("ann", { transport: line });
  for (let ms = 0; ms < 2_500; ms += 500) {
    clock.advance(500);
    await turn();
    if (polite.heard.at(-1)![0] === "ping") polite.say(["pong"]);
    await turn();
  }
  assertEquals(silent.closed?.code, 4001);
  assertEquals([polite.closed, ann.status, node.hub.stats().connections], [undefined, "open", 2]);
  assertEquals(silent.heard.filter(([kind]) => kind === "ping").length > 0, true);

  // A link that carries nothing any more, without a word.
  line.blackhole();
  for (let ms = 0; ms < 2_500; ms += 500) {
    clock.advance(500);
    await turn();
    polite.say(["pong"]);
  }
  assertEquals(node.hub.stats().connections, 1);
  polite.leave();
  await ann.close();
  await empty(node);
});
