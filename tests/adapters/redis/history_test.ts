/** Losses, refusals and restarts of Redis: histories report them, and never claim more than is true. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { HistoryStore } from "../../../adapters/history_store.ts";
import { createRedisAdapter, type RedisAdapterOptions } from "../../../adapters/redis/mod.ts";
import { HubError, type Position } from "../../../contract/mod.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { test, waitFor } from "../../harness.ts";
import { openAdapter, openHistory } from "./history_scene.ts";
import { openConsole } from "./scene.ts";

const TIMEOUT = { timeoutMs: 60_000 };
const PLENTY = { size: 100, ttlMs: Infinity };
const PROBES = { probeIntervalMs: 300, probeTimeoutMs: 1_000, connectTimeoutMs: 3_000 };

const open = (url: string, options: Partial<RedisAdapterOptions> = {}) =>
  openHistory(createRedisAdapter({ url, prefix: "p", ...PROBES, ...options }));

const append = async (store: HistoryStore, data: string, options = PLENTY): Promise<Position> =>
  await store.append("news", data, options);

async function fill(store: HistoryStore, count: number): Promise<Position> {
  let position: Position = ["", 0];
  for (let i = 1; i <= count; i++) position = await append(store, `${i}`);
  return position;
}

/** The code of what an append fails with. */
async function refusal(appending: Promise<unknown>): Promise<string> {
  const error = await assertRejects(() => appending, HubError);
  assert(!error.message.includes("127.0.0.1"), error.message);
  return error.code;
}

test(
  "redis history: a stored message reaches other subscribed nodes once, and not its own node",
  async () => {
    await using broker = await startRedis();
    await using a = await open(broker.url);
    await using b = await open(broker.url);
    await using without = await openAdapter(createRedisAdapter({ url: broker.url, prefix: "p" }));
    for (const channel of ["news", "odd \ud800"]) {
      for (const { adapter } of [a, b]) await adapter.subscribe(channel);
    }
    await without.adapter.subscribe("news");
    const options = { ...PLENTY, idempotencyKey: "k" };
    const first = await a.store.append("news", "ü \n 1", options);
    assertEquals(await b.store.append("news", "again", options), first);
    const odd = await a.store.append("odd \ud800", "", PLENTY);
    const last = await b.store.append("news", "2", PLENTY);
    await waitFor(() => b.heard.length === 2 && a.heard.length === 1, { what: "what the other has kept" });
    const heard = (channel: string, position: Position, data: string, { nodeId }: { nodeId: string }) => ({
      channel,
      position,
      data,
      from: nodeId,
    });
    assertEquals(b.heard, [heard("news", first, "ü \n 1", a), heard("odd \ud800", odd, "", a)]);
    assertEquals(a.heard, [heard("news", last, "2", b)]);
    assertEquals([a.errors, b.errors], [[], []]);
    await waitFor(() => without.errors.length === 1, { what: "the report of a node that does not share it" });
    assert(without.errors[0]!.message.includes("give every node of the cluster the same history"));
  },
  TIMEOUT,
);

test(
  "redis history: nothing is left of brief topics when they have expired, and others stay in their epoch",
  async () => {
    await using broker = await startRedis();
    await using a = await open(broker.url);
    await using console = await openConsole(broker.url);
    const untouched = (await a.store.read("untouched")).position;
    const before = await console.redis.keys("*");
    const brief = { size: 3, ttlMs: 50, brief: true, idempotencyKey: "k" };
    const [epoch] = await a.store.append("once", "1", brief);
    assertEquals(await a.store.append("once", "2", brief), [epoch, 1]);
    await waitFor(async () => `${await console.redis.keys("*")}` === `${before}`, { what: "the keys to go" });
    const [other, first] = await a.store.append("once", "3", brief);
    assertEquals([other === epoch, first, (await a.store.read("once")).position], [false, 1, [other, 1]]);
    assertEquals((await a.store.read("untouched")).position, untouched);
  },
  TIMEOUT,
);

for (
  const [how, args] of [["without persistence", []], ["that persists", [
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
  ]]] as const
) {
  test(`redis history: a server ${how} that was killed and is back has new epochs`, async () => {
    await using broker = await startRedis({ args });
    await using a = await open(broker.url);
    const untouched = (await a.store.read("untouched")).position;
    const [epoch] = await fill(a.store, 3);
    await broker.kill();
    await broker.start();
    await waitFor(() => a.statuses.length === 3, { what: "the adapter to be back", timeoutMs: 20_000 });
    const since: Position = [epoch, 2];
    const page = await a.store.read("news", { since });
    assertNotEquals(page.position[0], epoch);
    assertEquals([page.complete, page.records.length], [false, args.length > 0 ? 3 : 0]);
    const next = await append(a.store, "next");
    assertEquals(next, [page.position[0], page.position[1] + 1], "it goes on from where a read has said");
    assertEquals((await a.store.read("news", { since })).complete, false);
    assertEquals((await a.store.read("news", { since: page.position })).records.length, 1);
    assertNotEquals((await a.store.read("untouched")).position, untouched);
  }, TIMEOUT);
}

for (const command of ["FLUSHALL", "DEL p:history:m:c:news"]) {
  test(`redis history: ${command} begins a new epoch, also for a history of one message`, async () => {
    await using broker = await startRedis();
    await using console = await openConsole(broker.url);
    await using a = await open(broker.url);
    const epochs = new Set<string>();
    for (let round = 0; round < 3; round++) {
      const { position } = await a.store.read("news");
      assertEquals(position[1], 0);
      const [epoch, offset] = await append(a.store, "one");
      assertEquals([epoch, offset], [position[0], 1]);
      epochs.add(epoch);
      const [name, ...args] = command.split(" ");
      await console.redis.call(name!, ...args);
    }
    assertEquals(epochs.size, 3);
  }, TIMEOUT);
}

test("redis history: messages that are evicted without their head are missing, not forgotten", async () => {
  await using broker = await startRedis();
  await using console = await openConsole(broker.url);
  await using a = await open(broker.url);
  const [epoch] = await fill(a.store, 3);
  await console.redis.del("p:history:s:c:news");
  const { complete, position, records } = await a.store.read("news", { since: [epoch, 2] });
  assertEquals([complete, position, records], [false, [epoch, 3], []]);
  assertEquals(await append(a.store, "4"), [epoch, 4]);
  assertEquals((await a.store.read("news", { since: [epoch, 3] })).complete, true);
}, TIMEOUT);

test("redis history: the positions of many topics that are asked for at once take few commands", async () => {
  await using broker = await startRedis();
  await using console = await openConsole(broker.url);
  await using a = await open(broker.url);
  const names = Array.from({ length: 100 }, (_, i) => `topic ${i}`);
  const kept = new Map<string, Position>();
  for (const name of names.slice(0, 50)) kept.set(name, await a.store.append(name, "1", PLENTY));
  const whole = await Promise.all(names.map(async (name) => (await a.store.read(name)).position));
  const ask = () => Promise.all(names.map(async (name) => await a.store.read(name, { limit: 0 })));
  await ask();
  await console.redis.call("CONFIG", "RESETSTAT");
  const pages = await ask();
  assertEquals(pages.map(({ position }) => position), whole);
  for (const [i, name] of names.entries()) if (kept.has(name)) assertEquals(whole[i], kept.get(name));
  assertEquals([...new Set(pages.map(({ complete, records }) => `${complete} ${records.length}`))], [
    "true 0",
  ]);
  const [, calls] = /cmdstat_evalsha:calls=(\d+)/.exec(String(await console.redis.info("commandstats"))) ??
    [];
  assert(Number(calls) <= 5, `${calls} commands`);
}, TIMEOUT);

test("redis history: a topic whose position cannot be read fails alone", async () => {
  await using broker = await startRedis();
  await using console = await openConsole(broker.url);
  await using a = await open(broker.url);
  const kept = await fill(a.store, 3);
  await console.redis.set("p:history:m:c:broken", "not a head");
  const names = ["news", "broken", "other"];
  const [news, broken, other] = await Promise.allSettled(
    names.map(async (name) => await a.store.read(name, { limit: 0 })),
  );
  assertEquals(news!.status === "fulfilled" && news!.value.position, kept);
  assertEquals(other!.status === "fulfilled" && other!.value.position[1], 0);
  const { reason } = broken as PromiseRejectedResult;
  assertEquals((reason as HubError).code, "UNAVAILABLE");
  assertEquals(reason.message, 'Cannot read the history of "broken" in redis: it refuses with WRONGTYPE');
}, TIMEOUT);

test(
  "redis history: a question for a position that is given up does not end those that it was asked with",
  async () => {
    await using broker = await startRedis();
    await using a = await open(broker.url);
    const kept = await fill(a.store, 1);
    const ending = new AbortController();
    const ended = a.store.read("other", { limit: 0, signal: ending.signal });
    const stays = a.store.read("news", { limit: 0 });
    ending.abort(new Error("nobody waits"));
    await assertRejects(async () => await ended, Error, "nobody waits");
    assertEquals((await stays).position, kept);
  },
  TIMEOUT,
);

test(
  "redis history: a master that was demoted and is master again does not go on in its old epoch",
  async () => {
    await using first = await startRedis();
    await using second = await startRedis();
    await using toFirst = await openConsole(first.url);
    await using toSecond = await openConsole(second.url);
    const follow = async (console: typeof toFirst, port: number) => {
      await console.redis.call("REPLICAOF", "127.0.0.1", String(port));
      await waitFor(async () => String(await console.redis.info("replication")).includes("link_status:up"), {
        what: "the replica to have caught up",
        timeoutMs: 20_000,
      });
    };
    await using a = await open(first.url);
    await using b = await open(second.url);
    await follow(toSecond, first.port);
    const before = await fill(a.store, 5);
    await waitFor(async () => await toSecond.redis.xlen("p:history:s:c:news") === 5, { what: "the copy" });
    await assertRejects(async () => await b.store.read("news"), Error, "READONLY");
    assertEquals(await refusal(append(b.store, "to a replica")), "UNAVAILABLE");
    await toSecond.redis.call("REPLICAOF", "NO", "ONE");
    const lost = await append(a.store, "is lost");
    assertEquals(lost, [before[0], 6], "the old master does not know yet");
    const taken = await append(b.store, "other");
    assertEquals(taken[1], 6);
    assertNotEquals(taken[0], lost[0]);
    assertEquals((await b.store.read("news", { since: before })).complete, false);
    await follow(toFirst, second.port);
    await toFirst.redis.call("REPLICAOF", "NO", "ONE");
    const page = await a.store.read("news", { since: lost });
    assertEquals([page.complete, page.position[1]], [false, 6]);
    assert(![before[0], taken[0]].includes(page.position[0]), "a third epoch");
  },
  TIMEOUT,
);

test("redis history: scripts that a server forgets change no order and lose nothing", async () => {
  await using broker = await startRedis();
  await using console = await openConsole(broker.url);
  await using a = await open(broker.url);
  const texts = Array.from({ length: 300 }, (_, i) => `${i}`);
  const appends: Promise<Position>[] = [];
  for (const [i, text] of texts.entries()) {
    appends.push(append(a.store, text, { size: 1_000, ttlMs: Infinity }));
    if (i % 10 !== 0) continue;
    void console.redis.script("FLUSH");
    await Promise.resolve(); // the turn's share leaves
    if (i % 50 === 0) await console.redis.ping();
  }
  const positions = await Promise.all(appends);
  assertEquals(positions.map(([, offset]) => offset), texts.map((_, i) => i + 1));
  assertEquals((await a.store.read("news")).records.map(({ data }) => data), texts);
}, TIMEOUT);

test(
  "redis history: a server that is full, busy or not there keeps nothing, and that is certain",
  async () => {
    await using broker = await startRedis();
    await using console = await openConsole(broker.url);
    await using a = await open(broker.url);
    const position = await fill(a.store, 2);
    await console.redis.config("SET", "maxmemory", "1");
    assertEquals(await refusal(append(a.store, "no room")), "UNAVAILABLE");
    assertEquals((await a.store.read("news", { since: [position[0], 1] })).records.length, 1);
    await console.redis.config("SET", "maxmemory", "0");
    assertEquals(await append(a.store, "3"), [position[0], 3]);
    await broker.kill();
    const isLost = () => a.errors.some(({ message }) => /publisher's connection .* is lost/.test(message));
    await waitFor(isLost, { what: "the connection that appends to notice" }); // the other one may do so before
    const started = performance.now();
    assertEquals(await refusal(append(a.store, "nobody there")), "UNAVAILABLE");
    assert(performance.now() - started < 1_000, "at once");
    const unread = await assertRejects(async () => await a.store.read("news"), HubError);
    assertEquals(
      [unread.code, unread.message],
      ["UNAVAILABLE", 'Cannot read the history of "news" in redis: it is not connected'],
    );
  },
  TIMEOUT,
);

test("redis history: when a server does not answer any more the append ends as uncertain", async () => {
  await using broker = await startRedis();
  await using a = await open(broker.url);
  const position = await fill(a.store, 1);
  broker.pause();
  try {
    assertEquals(await refusal(append(a.store, "2")), "UNCERTAIN");
  } finally {
    broker.resume();
  }
  await waitFor(() => a.statuses.at(-1) === "up" && a.statuses.length > 1, {
    what: "the adapter to be back",
    timeoutMs: 20_000,
  });
  const again = await a.store.append("news", "3", { ...PLENTY, idempotencyKey: "3" });
  assertEquals(again[0], position[0], "nothing was lost: the epoch goes on");
}, TIMEOUT);

test("redis history: a user without the right to run scripts is told, and nothing is stored", async () => {
  const args = ["--user", "chat", "on", ">pw", "~*", "&*", "+@all", "-eval", "-evalsha"];
  await using broker = await startRedis({ args });
  await using a = await open(`redis://chat:pw@127.0.0.1:${broker.port}`);
  assertEquals(await refusal(append(a.store, "1")), "UNAVAILABLE");
  await assertRejects(
    async () => await a.store.read("news"),
    HubError,
    'Cannot read the history of "news" in redis: it refuses with NOPERM',
  );
}, TIMEOUT);

/** The ACL of the documentation. */
const RULES =
  "~chat:* &chat:* -@all +ping +publish +subscribe +unsubscribe +eval +evalsha +info +time +del +pexpire " +
  "+hget +hmget +hset +hincrby +hlen +xadd +xlen +xrange +xrevrange +xtrim +zadd +zscore +zremrangebyscore";

test("redis history: the documented ACL is enough", async () => {
  await using broker = await startRedis({
    args: ["--user", "chat", "on", ">pw", "resetchannels", ...RULES.split(" ")],
  });
  await using a = await open(`redis://chat:pw@127.0.0.1:${broker.port}`, { prefix: "chat" });
  for (const ttlMs of [Infinity, 5]) {
    for (let i = 0; i < 20; i++) {
      await a.store.append(`news ${ttlMs}`, "x", { size: 3, ttlMs, idempotencyKey: `${i}` });
    }
    await a.store.read(`news ${ttlMs}`, { limit: 2, reverse: true });
    await a.store.read(`news ${ttlMs}`, { limit: 2 });
  }
  await waitFor(async () => (await a.store.read("news 5")).records.length === 0, { what: "all to expire" });
  await a.store.append("news 5", "x", { size: 3, ttlMs: 5 });
  assertEquals(a.errors, []);
}, TIMEOUT);

test(
  "redis history: keys take no more room than the messages that they name, and an unused topic takes none",
  async () => {
    await using broker = await startRedis();
    await using console = await openConsole(broker.url);
    await using a = await open(broker.url, { historyKeepMs: 1_000 });
    const options = { size: 5, ttlMs: 200 };
    let epoch = "";
    for (let i = 0; i < 50; i++) {
      [epoch] = await a.store.append("news", "x", {
        ...options,
        idempotencyKey: `${i}`,
      });
    }
    assertEquals(await console.redis.zcard("p:history:k:c:news"), 5);
    assertEquals(await console.redis.xlen("p:history:s:c:news"), 5);
    await waitFor(async () => (await console.redis.keys("p:history:*")).length === 0, {
      what: "all keys to expire",
      timeoutMs: 20_000,
    });
    const { position: [next], complete } = await a.store.read("news", { since: [epoch, 50] });
    assertEquals(complete, false);
    assertNotEquals(next, epoch);
  },
  TIMEOUT,
);

test(
  "redis history: the memory of begun topics is limited, and no epoch comes twice",
  async () => {
    await using broker = await startRedis();
    await using console = await openConsole(broker.url);
    // It is much for one turn, and other processes may be at work.
    await using a = await open(broker.url, { probeTimeoutMs: 30_000 });
    const before = (await a.store.read("untouched")).position;
    await Promise.all(Array.from({ length: 10_100 }, (_, i) => a.store.append(`topic ${i}`, "", PLENTY)));
    assert(await console.redis.hlen("p:history:new") < 1_000);
    assertNotEquals((await a.store.read("untouched")).position, before);
    assertEquals((await a.store.read("topic 7")).position[1], 1);
  },
  TIMEOUT,
);

test(
  "redis history: a message beyond maxMessageBytes is refused with its size, and none is kept",
  async () => {
    await using broker = await startRedis();
    await using a = await open(broker.url, { maxMessageBytes: 10 });
    const error = await assertRejects(() => append(a.store, "€€€€"), HubError, "12 bytes");
    assertEquals([error.code, error.data], ["TOO_LARGE", { bytes: 12, maxBytes: 10 }]);
    assertEquals((await append(a.store, "0123456789"))[1], 1);
  },
  TIMEOUT,
);

test("redis history: limits above the numbers of Redis mean all messages, for ever", async () => {
  await using broker = await startRedis();
  await using a = await open(broker.url);
  for (const [i, options] of [{ size: 1e300, ttlMs: 1e19 }, { size: 5, ttlMs: Number.MAX_VALUE }].entries()) {
    for (const data of ["1", "2"]) await a.store.append(`news ${i}`, data, options);
    const { records } = await a.store.read(`news ${i}`);
    assertEquals(records.map(({ data }) => data), ["1", "2"]);
  }
}, TIMEOUT);
