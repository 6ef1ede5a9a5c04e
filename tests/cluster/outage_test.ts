import { assert, assertEquals } from "@std/assert";
import { createHub } from "@trunkline/hub";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { nodeChannel } from "../../hub/backplane/channels.ts";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { chat, type ChatHub, type Member } from "../hub/chat.ts";
import { acquainted, empty, testOnAdapters } from "../hub/cluster.ts";
import { pass } from "../hub/passing.ts";
import { Tap } from "../hub/tap.ts";
import { codeOf } from "../hub/wires.ts";
import { createMemoryAdapter, createMemoryBus } from "@trunkline/hub/adapters/memory";

/** The messages that a client gets from rooms, topics and events. */
function listen(client: Member): string[] {
  const heard: string[] = [];
  client.on("message", ({ text }) => heard.push(text));
  client.on("dm", ({ text }) => heard.push(text));
  return heard;
}

const page = async (hub: ChatHub, path = "/health") => {
  const response = await hub.routes.request(path);
  return { code: response.status, ...await response.json() };
};

testOnAdapters(
  "outage: with startWithoutBackplane a hub serves at once, and all it did meanwhile is live when the backplane comes",
  async (start) => {
    const clock = new FakeClock(); // nothing here waits for a time limit
    await using cluster = await start(1, { clock, heartbeatMs: 1e9 });
    const [a] = cluster.nodes;
    const b = await cluster.add({ lost: true, startWithoutBackplane: true });
    const { code, status, backplane } = await page(b.hub);
    assertEquals([code, status, backplane.status], [200, "degraded", "down"]);

    const ann = await b.member("ann");
    const heard = listen(ann);
    await ann.request("join", { room: "lobby" });
    await ann.request("join", { room: "left" });
    await ann.request("leave", { room: "left" });
    await ann.subscribe("stats", ({ n }) => heard.push(`stats ${n}`)).ready;
    const recovered: boolean[] = [];
    const log = ann.subscribe("log/x", ({ n }) => heard.push(`log ${n}`), {
      onRecovery: ({ recovered: all }) => recovered.push(all),
    });
    await log.ready;
    const publish = (hub: ChatHub, by: string) => {
      hub.room("lobby").broadcast("message", { room: "", text: `room by ${by}` });
      hub.room("left").broadcast("message", { room: "", text: "nobody is there" });
      hub.publish("stats", { n: by === "a" ? 1 : 2 });
      hub.user("ann").emit("dm", { text: `user by ${by}` });
      hub.forRole("member").emit("dm", { text: `role by ${by}` });
    };
    const expected = (by: string) =>
      [`room by ${by}`, `user by ${by}`, `role by ${by}`, `stats ${by === "a" ? 1 : 2}`].sort();
    publish(b.hub, "b");
    await waitFor(() => heard.length === 4, { what: "what the node itself sends" });
    assertEquals(heard.splice(0).sort(), expected("b"));
    const known = await b.hub.cluster.count({ room: "lobby" });
    assertEquals([known.count, known.missing.map(({ reason }) => reason)], [1, ["unknown"]]);
    assertEquals(b.errors.every(({ info }) => info.stage === "publish"), true);

    b.tap.heal();
    await acquainted([a!.hub, b.hub]);
    const probes: Record<string, () => void> = {
      "stats 0": () => a!.hub.publish("stats", { n: 0 }),
      "room probe": () => a!.hub.room("lobby").broadcast("message", { room: "", text: "room probe" }),
      "user probe": () => a!.hub.user("ann").emit("dm", { text: "user probe" }),
      "role probe": () => a!.hub.forRole("member").emit("dm", { text: "role probe" }),
    };
    for (const [probe, send] of Object.entries(probes)) {
      await waitFor(() => (send(), heard.includes(probe)), { what: `"${probe}" to come through` });
    }
    await waitFor(() => recovered.length === 1, { what: "the subscriber to be told of the gap" });
    assertEquals(recovered, [false]);
    publish(a!.hub, "a");
    const rest = () => heard.filter((text) => !(text in probes));
    await waitFor(() => rest().length === 4, { what: "what the other node sends" });
    assertEquals(rest().sort(), expected("a"));
    assertEquals(await a!.hub.cluster.count({ room: "lobby", user: "ann" }), { count: 1, missing: [] });
    await ann.close();
    await waitFor(() => b.hub.stats().subscriptions === 0, { what: "everything to be given back" });
    await waitFor(() => b.hub.stats().channels === b.hub.stats().histories, { what: "the channels too" });
    assertEquals(b.tap.subscribed.includes("room:left"), false);
  },
);

testOnAdapters(
  "outage: with startWithoutBackplane rooms and topics can be joined in a later outage too",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(2, { clock, startWithoutBackplane: true, heartbeatMs: 1e9 });
    const [a, b] = cluster.nodes;
    b!.tap.lose();
    const bob = await b!.member("bob");
    const heard = listen(bob);
    await bob.request("join", { room: "new" });
    b!.hub.room("new").broadcast("message", { room: "", text: "near" });
    await waitFor(() => heard.length === 1, { what: "the local one" });
    b!.tap.heal();
    await acquainted([a!.hub, b!.hub]);
    await waitFor(() => {
      a!.hub.room("new").broadcast("message", { room: "", text: "far" });
      return heard.includes("far");
    }, { what: "the room to be live" });
    await bob.request("leave", { room: "new" });
    await bob.close();
    await empty(b!);
  },
);

test("outage: a hub that does without a backplane which never comes can be closed", async () => {
  const tap = new Tap(createMemoryAdapter({ bus: createMemoryBus() }));
  tap.lose();
  const errors: string[] = [];
  const hub = createHub(chat, {
    authenticate: ({ role }) => ({ role }),
    transports: [createLoopbackTransport()],
    adapter: tap,
    startWithoutBackplane: true,
    onError: (_, { stage }) => errors.push(stage),
  });
  await hub.ready;
  await hub.close();
  assertEquals([errors, hub.stats().channels], [[], 0]);
});

test("outage: a backplane that refuses is reported, and the hub that does without it serves on", async () => {
  const tap = new Tap(createMemoryAdapter({ bus: createMemoryBus() }));
  tap.open = () => Promise.reject(new Error("wrong password"));
  const errors: string[] = [];
  await using hub = createHub(chat, {
    authenticate: ({ role }) => ({ role }),
    transports: [createLoopbackTransport()],
    adapter: tap,
    startWithoutBackplane: true,
    onError: (error, { stage }) => errors.push(`${stage}: ${(error as Error).message}`),
  });
  await hub.ready;
  await waitFor(() => errors.length > 0, { what: "the report" });
  assertEquals(errors, ["open: wrong password"]);
  assertEquals((await page(hub)).status, "degraded");
});

testOnAdapters(
  "outage: listeners and health show the backplane; live does not depend on ready",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(2, { clock, maxBackplaneDownMs: 10_000, heartbeatMs: 1e9 });
    const [a] = cluster.nodes;
    const told: string[] = [];
    a!.hub.cluster.on("backplane", () => {
      throw new Error("boom");
    });
    a!.hub.cluster.on("backplane", (status) => told.push(status));
    const codes = async () =>
      [await page(a!.hub), await page(a!.hub, "/health/live"), await page(a!.hub, "/health/ready")]
        .map(({ code }) => code);
    assertEquals(await codes(), [200, 200, 200]);
    assertEquals(a!.hub.cluster.backplane, "up");
    a!.tap.lose();
    clock.advance(10_000);
    assertEquals([await codes(), told, a!.hub.cluster.backplane], [[200, 200, 200], ["down"], "down"]);
    const { status, ready, backplane: { forMs } } = await page(a!.hub);
    assertEquals([status, ready, forMs], ["degraded", true, 10_000]);
    clock.advance(1);
    assertEquals(await codes(), [200, 200, 503]);
    assertEquals(await page(a!.hub, "/health/ready"), { code: 503, ready: false, status: "degraded" });
    a!.tap.heal();
    assertEquals([await codes(), told], [[200, 200, 200], ["down", "up"]]);
    await a!.hub.close();
    assertEquals(await codes(), [503, 200, 503]);
    assertEquals(
      a!.errors.filter(({ info }) => info.stage === "listener").map(({ info }) => info.name),
      ["cluster backplane", "cluster backplane"],
    );
  },
);

testOnAdapters("outage: before the backplane is open a hub is alive, and not ready", async (start) => {
  await using cluster = await start(1);
  const tap = new Tap(createMemoryAdapter({ bus: createMemoryBus() }));
  tap.lose();
  const hub = createHub(chat, {
    authenticate: ({ role }) => ({ role }),
    transports: [createLoopbackTransport()],
    adapter: tap,
    backplaneTimeoutMs: 1,
    onError: () => {},
  });
  assertEquals(await codeOf(() => hub.ready), "UNAVAILABLE");
  const answers = async () => {
    const { cluster } = hub;
    const room = hub.room("lobby");
    const results = [
      cluster.count(),
      cluster.connections({ user: "ann" }),
      cluster.exists({ user: "ann" }),
      cluster.disconnect({ user: "ann" }),
      room.members(),
      room.request("confirm", { question: "?" }),
      hub.requestServers("load", {}),
    ];
    return (await Promise.all(results)).map(({ missing }) =>
      missing.map(({ node, reason }) => `${node} ${reason}`)
    );
  };
  assertEquals(await answers(), Array(7).fill(["unknown unknown"]));
  assertEquals(await hub.cluster.count({ id: `${hub.nodeId}.1` }), { count: 0, missing: [] });
  const codes = ["/health", "/health/live", "/health/ready"].map(async (path) =>
    (await page(hub, path)).code
  );
  assertEquals(await Promise.all(codes), [503, 200, 503]);
  tap.heal();
  await waitFor(async () => (await page(hub, "/health/ready")).code === 200, { what: "it to be ready" });
  assertEquals(await answers(), Array(7).fill([]));
  await hub.close();
  assert(cluster.nodes.length === 1);
});

testOnAdapters("outage: health shows the lag of the backplane", async (start) => {
  const clock = new FakeClock();
  await using cluster = await start(1, { clock, heartbeatMs: 1e9 });
  const [a] = cluster.nodes;
  const lag = async () => (await page(a!.hub)).backplane.lagMs;
  await pass(clock, 20_000, [a!]);
  assertEquals(await lag(), null); // a node that is alone gets no answers
  const b = await cluster.add();
  await waitFor(async () => await lag() !== null, { what: "a measurement" });
  assertEquals(await lag(), 0); // time stands still
  b.tap.cut();
  clock.advance(10_000);
  clock.advance(3_000);
  assertEquals(await lag(), 3_000); // so long at least
  b.tap.heal();
  const pings = () => a!.tap.publishedOn(nodeChannel(b.hub.nodeId)).length;
  const lost = pings();
  while (pings() === lost) await pass(clock, 1_000, cluster.nodes); // time stands still until that one is answered
  await waitFor(async () => await lag() < 3_000, { what: "another measurement" });
  await b.hub.close();
  await pass(clock, 10_000, [a!]);
  assertEquals(await lag(), null);
});
