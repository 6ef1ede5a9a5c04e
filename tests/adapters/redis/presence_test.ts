import { assert, assertEquals, assertRejects } from "@std/assert";
import { Batches, type RedisCommand } from "../../../adapters/kit/redis/reach.ts";
import { COUNT } from "../../../adapters/kit/redis/presence/scripts.ts";
import { createRedisPresence } from "../../../adapters/kit/redis/presence/store.ts";
import type { PresenceRemoval, PresenceStore, StoredEntry } from "../../../adapters/presence_store.ts";
import { createRedisAdapter } from "../../../adapters/redis/mod.ts";
import { presenceStoreConformance } from "../../../conformance/mod.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { test, waitFor } from "../../harness.ts";
import { type Console, openConsole } from "./scene.ts";
import { OpenAdapters } from "./store_suites.ts";

const TIMEOUT = { timeoutMs: 60_000 };
const LEASE = { ttlMs: 30_000, places: new Map<string, number>() };

const entry = (id: string, parts: Partial<StoredEntry> = {}): StoredEntry => ({
  id,
  user: undefined,
  node: "n",
  state: undefined,
  at: 1,
  ...parts,
});

const put = (store: PresenceStore, place: string, ...entries: StoredEntry[]) =>
  store.write("n", place, { put: entries, drop: [] });

const idsOf = async (store: PresenceStore, place: string) =>
  (await store.read(place, { by: "connection", limit: 100 })).entries.map(({ id }) => id);

/** A store over a connection of the test's, which may do with commands what it likes. */
function storeOver(
  console: Console,
  between: (send: () => Promise<readonly unknown[]>) => Promise<readonly unknown[]>,
) {
  const runs: number[] = [];
  const store = createRedisPresence("redis", {
    partOf: () => 0,
    keysOf: () => "test:presence:",
    run(_part, commands: readonly RedisCommand[]) {
      runs.push(commands.length);
      return between(async () => {
        const pipeline = console.redis.pipeline();
        for (const [name, ...args] of commands) pipeline.call(name!, ...args);
        return (await pipeline.exec())!.map(([error, reply]) => error ?? reply);
      });
    },
    explain: (error) => error,
  });
  return { store, runs };
}

test(
  "redis presence: all calls of one turn are one write, and a second one if the server does not know the scripts",
  async () => {
    await using broker = await startRedis();
    await using console = await openConsole(broker.url);
    const { store, runs } = storeOver(console, (send) => send());
    await store.touch("n", LEASE);
    runs.length = 0;
    const many = () =>
      Promise.all(Array.from({ length: 50 }, (_, i) => put(store, `place ${i}`, entry("a"))));
    await many();
    assertEquals(runs, [150, 50]); // with the places' entries in the index; then the scripts as a whole
    runs.length = 0;
    await Promise.all(
      Array.from({ length: 50 }, (_, i) => store.write("n", `place ${i}`, { put: [], drop: ["a"] })),
    );
    assertEquals(runs, [50]);
  },
  TIMEOUT,
);

test("redis presence: scripts that a server forgets are sent again", async () => {
  await using broker = await startRedis();
  await using adapters = new OpenAdapters();
  await using console = await openConsole(broker.url);
  const store = (await adapters.open(createRedisAdapter({ url: broker.url, prefix: "p" }))).presence!;
  await store.touch("n", LEASE);
  for (let i = 0; i < 3; i++) {
    await console.redis.script("FLUSH");
    const writes = [put(store, "lobby", entry(`a${i}`)), put(store, "lobby", entry(`b${i}`))];
    assertEquals((await Promise.all(writes)).map(({ version: [, number] }) => number), [
      2 * i + 1,
      2 * i + 2,
    ]);
  }
  assertEquals((await idsOf(store, "lobby")).length, 6);
}, TIMEOUT);

test("redis presence: a write that comes late undoes no later one of its node", async () => {
  await using broker = await startRedis();
  await using console = await openConsole(broker.url);
  const held = Promise.withResolvers<void>();
  let holds = false;
  const { store } = storeOver(console, async (send) => {
    if (holds) {
      holds = false;
      await held.promise;
    }
    return await send();
  });
  await store.touch("n", LEASE);
  await put(store, "lobby", entry("a"));
  holds = true;
  const late = put(store, "lobby", entry("ghost"));
  await waitFor(() => !holds);
  await store.write("n", "lobby", { put: [entry("b")], drop: [], all: true });
  held.resolve();
  await assertRejects(() => late, Error, "LATE");
  assertEquals(await idsOf(store, "lobby"), ["b"]);
}, TIMEOUT);

test("redis presence: all keys have the prefix, and every one of them expires", async () => {
  await using broker = await startRedis();
  await using adapters = new OpenAdapters();
  await using console = await openConsole(broker.url);
  const store = (await adapters.open(createRedisAdapter({ url: broker.url, prefix: "my:app" }))).presence!;
  await store.touch("n", LEASE);
  await put(store, "lobby", entry("a", { user: "u" }), entry("b"));
  await put(store, "left", entry("a"));
  await store.write("n", "left", { put: [], drop: ["a"] });
  for (let i = 0; i < 30; i++) await store.touch("n", { ...LEASE, places: new Map([["lobby", 2]]) });
  const check = async () => {
    const keys = (await console.redis.keys("*")).sort();
    for (const key of keys) {
      assert(key.startsWith("my%3Aapp:presence:"), key);
      const ttl = await console.redis.pttl(key);
      assert(ttl > 60_000 && ttl <= 40 * 30_000, `${key} is kept for ${ttl} ms`);
    }
    return keys.map((key) => key.slice("my%3Aapp:presence:".length));
  };
  const places = ["c:lobby", "e:lobby", "m:lobby", "u:lobby", "v:lobby", "v:left"];
  assertEquals(await check(), [...places, "lease:n", "nodes", "places:1:n"].sort());
  assertEquals(await console.redis.smembers("my%3Aapp:presence:places:1:n"), ["lobby"]);
  assertEquals(await console.redis.hget("my%3Aapp:presence:v:left", "w:n"), null);
  await store.purge("n", { anyway: true, onRemoved() {} });
  assertEquals(await check(), ["v:left", "v:lobby"]);
}, TIMEOUT);

test("redis presence: entries without a renewal expire, even if no node runs", async () => {
  await using broker = await startRedis();
  await using console = await openConsole(broker.url);
  const { store } = storeOver(console, (send) => send());
  await store.touch("n", LEASE);
  await put(store, "lobby", entry("a", { user: "u" }));
  for (const key of await console.redis.keys("*")) await console.redis.pexpire(key, 1); // its time has come
  await waitFor(async () => await console.redis.dbsize() === 0);
  assertEquals(await store.read("lobby", { by: "user", limit: 10 }), {
    version: ["", 0],
    entries: [],
    count: 0,
  });
  assertEquals((await store.touch("n", LEASE)).kept, false);
}, TIMEOUT);

test("redis presence: places that have lost entries are reported at the tenth touch", async () => {
  await using broker = await startRedis();
  await using console = await openConsole(broker.url);
  const { store } = storeOver(console, (send) => send());
  await store.touch("n", LEASE);
  await put(store, "one", entry("a"));
  await put(store, "two", entry("a"));
  await console.redis.del("test:presence:v:one", "test:presence:e:one", "test:presence:c:one");
  const lost: string[] = [];
  for (let i = 0; i < 10; i++) {
    lost.push(...(await store.touch("n", { ...LEASE, places: new Map([["one", 1], ["two", 1]]) })).lost);
  }
  assertEquals(lost, ["one"]);
}, TIMEOUT);

test(
  "redis presence: foreign entries are left out, and keys of another type are an error",
  async () => {
    await using broker = await startRedis();
    await using console = await openConsole(broker.url);
    const { store } = storeOver(console, (send) => send());
    await store.touch("n", LEASE);
    await put(store, "lobby", entry("a"), entry("b", { user: "u" }));
    for (const [i, value] of ["", "x", "a", "u\0", "a\0n\0", "a\0n\0x:1", "u\u0001{\0n\x001:1"].entries()) {
      await console.redis.hset("test:presence:e:lobby", `junk${i}`, value);
      await console.redis.zadd("test:presence:c:lobby", 0, `n\0junk${i}`);
      await console.redis.zadd("test:presence:m:lobby", 0, `junk${i}\0junk${i}`);
    }
    for (const by of ["connection", "user"] as const) {
      const { entries } = await store.read("lobby", { by, limit: 100 });
      assertEquals(entries.map(({ id }) => id).sort(), ["a", "b"]);
    }
    await console.redis.set("test:presence:v:text", "no hash");
    await assertRejects(() => put(store, "text", entry("a")), Error, "WRONGTYPE");
    await assertRejects(() => store.read("text", { by: "user", limit: 1 }), Error, "WRONGTYPE");
  },
  TIMEOUT,
);

test(
  "redis presence: it says that Redis is away, and works again when it is back, with nothing of before",
  async () => {
    await using broker = await startRedis();
    await using adapters = new OpenAdapters();
    const store = (await adapters.open(createRedisAdapter({ url: broker.url, prefix: "p" }))).presence!;
    await store.touch("n", LEASE);
    await put(store, "lobby", entry("a"));
    await broker.kill();
    await assertRejects(() => store.touch("n", LEASE), Error);
    await assertRejects(() => put(store, "lobby", entry("b")), Error);
    await broker.start();
    const touched = await waitFor(() => store.touch("n", LEASE), { timeoutMs: 20_000 });
    assertEquals(touched.kept, false);
    const { version } = await store.write("n", "lobby", { put: [entry("b")], drop: [], all: true });
    assertEquals([version[1], await idsOf(store, "lobby")], [1, ["b"]]);
  },
  TIMEOUT,
);

test("redis presence: waiting calls are refused when their connection is lost", async () => {
  const lost = new Error("The connection was closed");
  const batches = new Batches({
    partOf: () => 0,
    keysOf: () => "",
    run: () => Promise.reject(lost),
    explain: (error) => error,
  });
  const asked = [batches.send(0, "PING"), batches.run(0, COUNT, ["a"])];
  assertEquals((await Promise.allSettled(asked)).map((one) => one.status === "rejected" && one.reason), [
    lost,
    lost,
  ]);
});

test(
  "redis presence: before it is open and after it is closed the store says that it is not connected",
  async () => {
    await using broker = await startRedis();
    const adapter = createRedisAdapter({ url: broker.url, prefix: "p" });
    await assertRejects(() => adapter.presence!.count("lobby", "user"), Error, "is not connected");
    await using adapters = new OpenAdapters();
    const store = (await adapters.open(adapter)).presence!;
    assertEquals(await store.count("lobby", "user"), 0);
    await adapter.close();
    await assertRejects(() => store.count("lobby", "user"), Error, "is not connected");
  },
  TIMEOUT,
);

test(
  "redis presence: a node with many places, and many connections in one, is purged to the last",
  async () => {
    await using broker = await startRedis();
    await using console = await openConsole(broker.url);
    const { store } = storeOver(console, (send) => send());
    await store.touch("n", LEASE);
    await put(store, "lobby", ...Array.from({ length: 1_200 }, (_, i) => entry(`a${i}`)));
    await Promise.all(Array.from({ length: 250 }, (_, i) => put(store, `place ${i}`, entry("a"))));
    const removed: string[] = [];
    const onRemoved = ({ place, ids }: PresenceRemoval) => removed.push(...ids.map((id) => `${place} ${id}`));
    assertEquals(await store.purge("n", { anyway: true, onRemoved }), 0);
    assertEquals([removed.length, new Set(removed).size], [1_450, 1_450]);
    for (const key of await console.redis.keys("*")) {
      assertEquals(await console.redis.hget(key, "w:n"), null, key); // and no place remembers it
    }
  },
  TIMEOUT,
);

test(
  "redis presence: a purge under way leaves the entries of a node that has come back meanwhile",
  async () => {
    await using broker = await startRedis();
    await using console = await openConsole(broker.url);
    const { store } = storeOver(console, (send) => send());
    const held = Promise.withResolvers<void>();
    let runs = 0;
    const purger = storeOver(console, async (send) => {
      if (++runs === 3) await held.promise; // it has looked at the lease, and at the index
      return await send();
    }).store;
    await store.touch("n", { ...LEASE, ttlMs: 0 });
    await put(store, "lobby", entry("a"));
    const removed: string[] = [];
    const purging = purger.purge("n", { onRemoved: ({ ids }) => void removed.push(...ids) });
    await waitFor(() => runs === 3);
    assertEquals((await store.touch("n", LEASE)).kept, false);
    await store.write("n", "lobby", { put: [entry("a")], drop: [], all: true });
    held.resolve();
    await purging;
    assertEquals([removed, await idsOf(store, "lobby")], [[], ["a"]]);
    assertEquals((await store.touch("n", LEASE)).kept, true);
  },
  TIMEOUT,
);

/** The rules that the documentation gives, of the adapter and of presence, for all prefixes that begin with "chat". */
const RULES = [
  ...[
    "resetchannels",
    "&chat*",
    "-@all",
    "+ping",
    "+publish",
    "+subscribe",
    "+unsubscribe",
    "+hello",
    "~chat*",
  ],
  ..."eval evalsha time del pexpire hset hget hmget hdel hincrby hlen sadd srem srandmember".split(" "),
  ..."zadd zrem zcard zlexcount zrangebylex zrangebyscore".split(" "),
].map((rule) => /^\w+$/.test(rule) && rule !== "resetchannels" ? `+${rule}` : rule);

test("redis presence: the documented ACL is enough for everything that a store does", async () => {
  await using broker = await startRedis({ args: ["--user", "chat", "on", ">pw", ...RULES] });
  const url = `redis://chat:pw@127.0.0.1:${broker.port}`;
  const failures: string[] = [];
  await using adapters = new OpenAdapters();
  const cases = presenceStoreConformance({
    ttlMs: 50,
    create: async ({ prefix }) =>
      (await adapters.open(createRedisAdapter({ url, prefix: `chat:${prefix}` }))).presence!,
  });
  for (const { name, skip, run } of cases) {
    if (skip === undefined) await run().catch((error) => failures.push(`${name}: ${error.message}`));
  }
  assertEquals(failures, []);
}, TIMEOUT);
