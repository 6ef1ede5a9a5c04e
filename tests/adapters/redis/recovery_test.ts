import { assert, assertEquals, assertRejects } from "@std/assert";
import { Redis } from "ioredis";
import { createClient } from "redis";
import { startProxy } from "../../../tools/brokers/proxy.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode, openConsole, openNode } from "./scene.ts";

const TIMEOUT = { timeoutMs: 120_000 };
/** Soon enough for a test, and long enough for a machine that is busy. */
const PROBES = { probeIntervalMs: 500, probeTimeoutMs: 2_000, connectTimeoutMs: 3_000 };

test(
  "redis: after a restart thousands of channels are live again, subscribed in batches, each once",
  async () => {
    await using broker = await startRedis();
    const channels = Array.from({ length: 2_200 }, (_, i) => `channel ${i}`);
    await using a = await openNode(broker.url, ...channels);
    await using b = await openNode(broker.url);
    await broker.kill();
    await Promise.all([a.is("down"), b.is("down")]);
    await broker.start();
    await Promise.all([a.is("up"), b.is("up")]);
    await using console = await openConsole(broker.url);
    const stats = String(await console.redis.info("commandstats"));
    // Of both nodes: one for the probes' channel each, and 2,200 in batches of 500.
    assertEquals(/cmdstat_subscribe:calls=(\d+)/.exec(stats)?.[1], String(2 + 5));
    for (const channel of channels) b.adapter.publish(channel, channel);
    await waitFor(() => a.received.length === channels.length, { what: "all channels", timeoutMs: 20_000 });
    assertEquals(a.received.map(({ data }) => data), channels);
  },
  TIMEOUT,
);

test("redis: a subscriber that is killed alone is replaced: down, up, and nothing twice", async () => {
  await using broker = await startRedis();
  await using a = await openNode(broker.url, "news");
  await using b = await openNode(broker.url, "news");
  await using console = await openConsole(broker.url);
  for (let round = 1; round <= 3; round++) {
    for (const { id, sub } of await console.connections()) {
      if (sub !== "0") await console.redis.client("KILL", "ID", Number(id));
    }
    await waitFor(() => a.statuses.length === 1 + 2 * round && b.statuses.length === 1 + 2 * round, {
      what: "down and up",
      timeoutMs: 20_000,
    });
    b.adapter.publish("news", `${round}`);
    a.adapter.publish("news", `${round}`);
    await waitFor(() => a.on("news").length === round && b.on("news").length === round);
  }
  assertEquals(a.on("news"), ["1", "2", "3"]);
  assertEquals(a.statuses, ["up", "down", "up", "down", "up", "down", "up"]);
  assert(a.errors.every(({ stage }) => stage === "delivery"));
  assertEquals((await console.connections()).length, 4);
}, TIMEOUT);

test("redis: a publisher that is killed alone is replaced, and its subscriber goes on hearing", async () => {
  await using broker = await startRedis();
  await using a = await openNode(broker.url, "news");
  await using b = await openNode(broker.url);
  await using console = await openConsole(broker.url);
  const subscribers = async () =>
    (await console.connections()).filter(({ sub }) => sub !== "0").map(({ id }) => id).sort();
  const before = await subscribers();
  for (const { id, sub } of await console.connections()) {
    if (sub === "0") await console.redis.client("KILL", "ID", Number(id));
  }
  await waitFor(() => a.statuses.length === 3 && b.statuses.length === 3, { timeoutMs: 20_000 });
  b.adapter.publish("news", "hello");
  await waitFor(() => a.on("news").length === 1);
  assertEquals(await subscribers(), before);
}, TIMEOUT);

test(
  "redis: a subscriber that Redis has forgotten, though it is connected, is found and mended",
  async () => {
    await using broker = await startRedis();
    const client = new Redis(broker.url, { lazyConnect: true, connectionName: "trunkline" });
    const made: Redis[] = [];
    const duplicate = client.duplicate.bind(client);
    client.duplicate = ((overrides) => {
      made.push(duplicate(overrides));
      return made.at(-1)!;
    }) as typeof client.duplicate;
    await using a = await openNode({ client, ...PROBES }, "news");
    await using b = await openNode(broker.url);
    const subscriber = made.find(({ mode }) => mode === "subscriber")!;
    await subscriber.unsubscribe(); // of everything, behind the adapter's back
    assertEquals(subscriber.status, "ready");
    await a.is("down");
    await a.is("up");
    b.adapter.publish("news", "hello");
    await waitFor(() => a.on("news").length === 1);
    assert(a.errors.some(({ error }) => error.message.includes("has forgotten the subscriptions")));
  },
  TIMEOUT,
);

test("redis: connections that lead to two servers are no backplane: the subscriber moves", async () => {
  await using one = await startRedis();
  await using other = await startRedis();
  await using toOne = await startProxy(one.port);
  const client = new Redis({
    host: "127.0.0.1",
    port: toOne.port,
    lazyConnect: true,
    connectionName: "trunkline",
  });
  let lead = toOne.port;
  const duplicate = client.duplicate.bind(client);
  client.duplicate = ((overrides) => duplicate({ ...overrides, port: lead })) as typeof client.duplicate;
  await using a = await openNode({ client, ...PROBES }, "news");
  // As behind a virtual address that moves: new connections go to the other server.
  lead = other.port;
  await using atOne = await openConsole(one.url);
  const [publisher] = (await atOne.connections()).filter(({ sub }) => sub === "0");
  await atOne.redis.client("KILL", "ID", Number(publisher!.id));
  await a.is("down");
  await a.is("up");
  await using b = await openNode(other.url);
  b.adapter.publish("news", "hello");
  await waitFor(() => a.on("news").length === 1);
}, TIMEOUT);

test(
  "redis: a server that freezes is noticed in time, one that thaws is used again, and nothing comes twice",
  async () => {
    await using broker = await startRedis();
    await using a = await openNode({ url: broker.url, ...PROBES }, "news");
    await using b = await openNode({ url: broker.url, ...PROBES }, "news");
    b.adapter.publish("news", "before");
    await waitFor(() => a.on("news").length === 1);
    broker.pause();
    try {
      b.adapter.publish("news", "while frozen");
      await Promise.all([a.is("down"), b.is("down")]);
    } finally {
      broker.resume();
    }
    await Promise.all([a.is("up"), b.is("up")]);
    b.adapter.publish("news", "after");
    await waitFor(() => a.on("news").includes("after"));
    const got = a.on("news");
    // What was on its way when it froze may come late, or not at all.
    assertEquals(new Set(got).size, got.length);
    assert(b.errors.some(({ stage }) => stage === "publish"));
  },
  TIMEOUT,
);

test(
  "redis: a password that is changed while it runs is reported, kept trying, and taken when it is right",
  async () => {
    await using broker = await startRedis({ args: ["--requirepass", "first-s3cret"] });
    const url = `redis://:first-s3cret@127.0.0.1:${broker.port}`;
    await using a = await openNode(url, "news");
    await using console = await openConsole(url);
    await console.redis.config("SET", "requirepass", "second-s3cret");
    for (const { id } of await console.connections()) await console.redis.client("KILL", "ID", Number(id));
    await a.is("down");
    await waitFor(() => a.errors.some(({ error }) => error.message.includes("WRONGPASS")), {
      timeoutMs: 20_000,
      what: "the refusal",
    });
    assertEquals(a.statuses, ["up", "down"]);
    await console.redis.config("SET", "requirepass", "first-s3cret");
    await a.is("up");
    await using b = await openNode(url);
    b.adapter.publish("news", "hello");
    await waitFor(() => a.on("news").length === 1);
    const said = a.errors.map(({ error }) => `${error.stack} ${(error.cause as Error)?.message}`).join();
    assert(!said.includes("s3cret"));
  },
  TIMEOUT,
);

test("redis: while it cannot be reached at the start, open waits and says once why", async () => {
  await using broker = await startRedis();
  await broker.kill();
  await using a = createNode(broker.url);
  const waiting = a.adapter.subscribe("news");
  await waitFor(() => a.errors.length > 0, { what: "a report" });
  await broker.start();
  await a.opening;
  await waiting;
  assertEquals(a.statuses, ["up"]);
  const said = a.errors.map(({ error, stage }) => `${stage}: ${error.message}`);
  assertEquals(new Set(said).size, said.length);
  assert(
    said.every((text) => text.startsWith(`open: Cannot connect to Redis at 127.0.0.1:${broker.port}: `)),
  );
}, TIMEOUT);

test("redis: a channel that an ACL forbids fails alone, and hurts no other", async () => {
  const acl = ["on", ">pw", "resetchannels", "&trunkline:p:*", "&trunkline:c:ok*", "+@all"];
  await using broker = await startRedis({ args: ["--user", "alice", ...acl] });
  const url = `redis://alice:pw@127.0.0.1:${broker.port}`;
  await using a = await openNode(url);
  await using b = await openNode(broker.url);
  const [ok, no, fine] = ["ok 1", "secret", "ok 2"].map((channel) => a.adapter.subscribe(channel));
  await assertRejects(
    () => no!,
    Error,
    `Cannot subscribe to "secret" at Redis at 127.0.0.1:${broker.port}: NOPERM`,
  );
  await Promise.all([ok, fine]);
  b.adapter.publish("ok 2", "hello");
  await waitFor(() => a.on("ok 2").length === 1);
  a.adapter.publish("secret", "x");
  await waitFor(() => a.errors.length === 1);
  const [{ error, stage, channel }] = a.errors;
  assertEquals([stage, channel, error.message.includes("Redis refuses: NOPERM")], [
    "publish",
    "secret",
    true,
  ]);
  assertEquals(a.statuses, ["up"]);
}, TIMEOUT);

/** The rules that the documentation gives. */
const RULES = ["resetchannels", "&chat:*", "-@all", "+ping", "+publish", "+subscribe", "+unsubscribe"];

for (const kind of ["a URL", "a node-redis client"]) {
  test(`redis: the documented ACL is enough, and without PUBSUB nothing is counted [${kind}]`, async () => {
    const args = ["--user", "chat", "on", ">pw", ...RULES, ...(kind === "a URL" ? [] : ["+hello"])];
    await using broker = await startRedis({ args });
    const url = `redis://chat:pw@127.0.0.1:${broker.port}`;
    const options = kind === "a URL" ? { url } : { client: createClient({ url }) };
    await using a = await openNode({ ...options, prefix: "chat" }, "news");
    await using b = await openNode({ url: broker.url, prefix: "chat" }, "news");
    b.adapter.publish("news", "there");
    a.adapter.publish("news", "back");
    await waitFor(() => a.on("news").length === 1 && b.on("news").length === 1);
    assertEquals([await a.adapter.countListeners!("news"), await b.adapter.countListeners!("news")], [
      undefined,
      2,
    ]);
    await a.adapter.unsubscribe("news");
    assertEquals(a.errors, []);
  }, TIMEOUT);
}
