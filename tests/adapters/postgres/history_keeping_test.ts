import { assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import type { HubError } from "@trunkline/hub";
import process from "node:process";
import { test, waitFor } from "../../harness.ts";
import { end, openStore, PLENTY } from "./history_scene.ts";
import { openConsole } from "./scene.ts";

const URL = process.env.POSTGRES_URL!;
const TIMEOUT = { timeoutMs: 60_000 };

test(
  "postgres history: an unused topic is forgotten, and begins again with another epoch",
  async () => {
    const prefix = crypto.randomUUID();
    await using store = openStore({ prefix, forgetAfterMs: 1 });
    await using lasting = openStore({ prefix });
    const first = await store.append("news", "1", PLENTY);
    const kept = await lasting.append("kept", "1", PLENTY);
    await waitFor(async () => {
      store.sweep!();
      return (await store.read("news")).position[1] === 0;
    }, { what: "the topic to be forgotten" });
    const { position, complete } = await store.read("news", { since: first });
    assertEquals(complete, false);
    assertNotEquals(position[0], first[0]);
    assertEquals(await store.append("news", "2", PLENTY), [position[0], 1]);
    assertEquals((await lasting.read("kept")).position, kept);
    assertEquals(store.errors, []);
  },
  TIMEOUT,
);

test(
  "postgres history: one node at a time removes expired messages from the tables",
  async () => {
    const prefix = crypto.randomUUID();
    await using a = openStore({ prefix });
    await using b = openStore({ prefix });
    await using console = openConsole(URL);
    const appends = Array.from(
      { length: 2_500 },
      (_, i) => a.append(`news/${i % 3}`, `${i}`, { size: 5_000, ttlMs: 50 }),
    );
    await Promise.all(appends);
    await a.append("lasting", "1", PLENTY);
    const left = async () => {
      const [row] = await console
        .sql`SELECT count(*)::int AS n FROM trunkline.history_records r JOIN trunkline.history_heads h
      ON h.id = r.head WHERE h.root LIKE 'tl#%' AND h.name LIKE 'c%' AND h.root = (SELECT root FROM trunkline.history_heads
      WHERE name = 'clasting' ORDER BY id DESC LIMIT 1)`;
      return row!.n as number;
    };
    await waitFor(async () => {
      for (const store of [a, b]) {
        store.sweep!();
      }
      return await left() === 1;
    }, { what: "the rows to go", timeoutMs: 20_000 });
    assertEquals((await a.append("news/0", "x", PLENTY))[1], 835);
    assertEquals([a.errors, b.errors], [[], []]);
  },
  TIMEOUT,
);

test(
  "postgres history: brief topics are removed whole when they have expired, many at once, and others stay in their epoch",
  async () => {
    const prefix = crypto.randomUUID();
    await using store = openStore({ prefix });
    await using console = openConsole(URL);
    const untouched = (await store.read("untouched")).position;
    const name = (i: number) => `once ${prefix} ${i}`;
    const brief = { size: 3, ttlMs: 50, brief: true };
    await Promise.all(Array.from({ length: 1_200 }, (_, i) => store.append(name(i % 600), "x", brief)));
    const rows = async () => {
      const [row] = await console
        .sql`SELECT count(*)::int AS n, (count(*) FILTER (WHERE forget > clock_timestamp()))::int AS young
        FROM trunkline.history_heads WHERE name LIKE ${`c${name(0).slice(0, -1)}%`}`;
      return row as { readonly n: number; readonly young: number };
    };
    assertEquals((await rows()).n, 600);
    await waitFor(async () => (await rows()).young === 0, { what: "all to expire" });
    store.sweep!(); // one is enough
    await waitFor(async () => (await rows()).n === 0, { what: "the rows to go" });
    assertEquals((await store.append(name(0), "y", brief))[1], 1);
    assertEquals((await store.read("untouched")).position, untouched);
    assertEquals(store.errors, []);
  },
  TIMEOUT,
);

test(
  "postgres history: a topic is not forgotten before its messages have expired, however soon that may be",
  async () => {
    const prefix = crypto.randomUUID();
    await using store = openStore({ prefix, forgetAfterMs: 1 });
    await using console = openConsole(URL);
    const name = `lasting ${prefix}`;
    const lasting = async () => {
      await store.append(name, "x", { size: 10, ttlMs: 60_000 });
      const [row] = await console
        .sql`SELECT forget >= ends AS lasts, ends::text FROM trunkline.history_heads WHERE name = ${`c${name}`}`;
      return row!;
    };
    const first = await lasting();
    let last = first;
    await waitFor(async () => (last = await lasting()).ends !== first.ends, { what: "a later end" });
    assertEquals([first.lasts, last.lasts], [true, true]);
  },
  TIMEOUT,
);

test(
  "postgres history: a message with a shorter life than those before it leaves no hole when it expires",
  async () => {
    const prefix = crypto.randomUUID();
    await using store = openStore({ prefix });
    const [epoch] = await store.append("news", "1", PLENTY);
    await store.append("news", "2", { size: 10, ttlMs: 30 });
    await store.append("news", "3", PLENTY);
    await waitFor(async () => (await store.read("news")).records.length === 1, {
      what: "the second to expire",
    });
    const { records, complete } = await store.read("news", { since: [epoch, 0] });
    assertEquals([records.map(({ data }) => data), complete], [["3"], false]);
  },
  TIMEOUT,
);

test("postgres history: a message that is given up does not delay the ones behind it", async () => {
  await using store = openStore({ prefix: crypto.randomUUID() });
  const aborted = AbortSignal.abort(new Error("Nobody waits"));
  const ends = [end(store, "1"), end(store, "2", { signal: aborted }), end(store, "3")];
  assertEquals(await Promise.all(ends), [1, "UNAVAILABLE", 2]);
  const error = await assertRejects(async () =>
    await store.append("news", "x".repeat(9_000_000), PLENTY)
  ) as HubError;
  assertEquals([error.code, error.data], ["TOO_LARGE", { bytes: 9_000_000, maxBytes: 8 * 1024 * 1024 }]);
  assertEquals(await end(store, "y".repeat(3_000_000)), 3);
}, TIMEOUT);

test(
  "postgres history: a caller that gives up an append still learns its result, because the message must be delivered",
  async () => {
    await using store = openStore({ prefix: crypto.randomUUID() });
    await using console = openConsole(URL);
    const [epoch] = await store.append("news", "1", PLENTY);
    const aborter = new AbortController();
    let append: Promise<unknown> | undefined;
    await console.sql.begin(async (tx) => {
      await tx`SELECT FROM trunkline.history_heads WHERE epoch = ${epoch} FOR UPDATE`;
      append = Promise.resolve(store.append("news", "2", { ...PLENTY, signal: aborter.signal }));
      append.catch(() => {});
      await waitFor(async () => {
        const waiting =
          await tx`SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%history_append%'`;
        return waiting.length > 0;
      }, { what: "the append to wait" });
      aborter.abort(new Error("Nobody waits"));
    });
    assertEquals(await append, [epoch, 2]);
  },
  TIMEOUT,
);
