import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { type Clock, createEmitter, createMemoryHistory, type HubError, systemClock } from "@trunkline/hub";
import {
  createPostgresAdapter,
  type PostgresHistorySettings,
  postgresHistorySql,
} from "@trunkline/hub/adapters/postgres";
import process from "node:process";
import { startPostgres } from "../../../tools/brokers/postgres.ts";
import { test, waitFor } from "../../harness.ts";
import { chat, createNode, type Member, type Node } from "../../hub/chat.ts";
import { Random } from "../../load/random.ts";
import { openConsole, openNode, transactions } from "./scene.ts";

const url = process.env.POSTGRES_URL!;
const TIMEOUT = { timeoutMs: 60_000 };

const at = (prefix: string, history?: PostgresHistorySettings, server = url) =>
  createPostgresAdapter({ url: server, prefix, history });

/** Every 10 seconds hubs look for what they have missed, which would hide that it did not come by itself. */
const unlooking: Clock = {
  ...systemClock,
  after: (ms, callback, options) => ms === 10_000 ? () => {} : systemClock.after(ms, callback, options),
};

/** A node, and what a client of its own hears of `log/x`. */
async function start(prefix: string, history?: PostgresHistorySettings, server?: string) {
  const node = await createNode(undefined, { adapter: at(prefix, history, server), clock: unlooking });
  const heard = await follow(await node.member());
  return Object.assign(node, { heard });
}

async function follow(client: Member, topic: `log/${string}` = "log/x"): Promise<number[]> {
  const heard: number[] = [];
  await client.subscribe(topic, ({ n }) => void heard.push(n)).ready;
  return heard;
}

const got = (node: Node & { readonly heard: number[] }, ...numbers: number[]) =>
  waitFor(() => node.heard.length >= numbers.length && (assertEquals(node.heard, numbers), true), {
    what: `${numbers}`,
    timeoutMs: 20_000,
  });

/** The numbers that a topic keeps. */
const kept = async (node: Node) => (await node.hub.history("log/x")).records.map(({ payload }) => payload.n);

for (const [kind, transact] of Object.entries(transactions(url))) {
  test(
    `outbox: messages of a transaction arrive with its commit on every node, and never without it, by ${kind}`,
    async () => {
      const prefix = crypto.randomUUID();
      await using a = await start(prefix);
      await using b = await start(prefix);
      const [other, there] = [
        await follow(await a.member(), "log/y"),
        await follow(await b.member(), "log/y"),
      ];
      let position: unknown;
      await transact(async (tx) => {
        position = await a.hub.publish("log/x", { n: 1 }, { tx });
        await a.hub.publish("log/x", { n: 2 }, { tx });
        // Whatever is published meanwhile on another topic arrives before.
        await a.hub.publish("log/y", { n: 1 });
        await waitFor(() => other.length === 1 && there.length === 1, { what: "another topic's" });
        assertEquals([a.heard, b.heard, await kept(b)], [[], [], []]);
      });
      await got(a, 1, 2);
      await got(b, 1, 2);
      const rollback = transact(async (tx) => {
        await a.hub.publish("log/x", { n: 3 }, { tx });
        throw new Error("changed my mind");
      });
      await assertRejects(() => rollback, Error, "changed my mind");
      const next = await b.hub.publish("log/x", { n: 4 });
      await got(a, 1, 2, 4);
      await got(b, 1, 2, 4);
      assertEquals([position, next.offset], [{ epoch: next.epoch, offset: 1 }, 3]);
      assertEquals(await kept(a), [1, 2, 4]);
      assertEquals([a.errors, b.errors], [[], []]);
    },
    TIMEOUT,
  );
}

test("outbox: a savepoint that is rolled back also undoes the publishes within it", async () => {
  await using a = await start(crypto.randomUUID());
  await using console = openConsole(url);
  await console.sql.begin(async (tx) => {
    await a.hub.publish("log/x", { n: 1 }, { tx });
    await tx.savepoint(async (inner) => {
      assertEquals((await a.hub.publish("log/x", { n: 2 }, { tx: inner })).offset, 2);
      throw new Error("taken back");
    }).catch(() => {});
    assertEquals((await a.hub.publish("log/x", { n: 3 }, { tx })).offset, 2);
  });
  await got(a, 1, 3);
  assertEquals(a.errors, []);
}, TIMEOUT);

test("outbox: a large message comes whole, on the node that has published it too", async () => {
  const prefix = crypto.randomUUID();
  const channel = "é€💥".repeat(100);
  await using a = await openNode({ url, prefix }, channel);
  await using b = await openNode({ url, prefix }, channel);
  await using console = openConsole(url);
  const heard: [node: number, offset: number, data: string][] = [];
  const stores = [a, b].map(({ adapter, nodeId }, i) => {
    const store = adapter.history!;
    store.open!({
      nodeId,
      deliver: (_, [, offset], data) => void heard.push([i, offset, data]),
      onError: () => {},
    });
    return { store, nodeId };
  });
  const data = ['é"\\€'.repeat(50_000), "\0", "💥".repeat(5_000)];
  await console.sql.begin(async (tx) => {
    for (const one of data) await stores[0]!.store.append(channel, one, { size: 9, ttlMs: Infinity, tx });
  });
  for (const i of [0, 1]) {
    await waitFor(() => heard.filter(([node]) => node === i).length === 3, { what: "all three" });
    const there = heard.filter(([node]) => node === i);
    assertEquals(there, data.map((one, at) => [i, at + 1, one]));
    const { records } = await stores[i]!.store.read(channel);
    assertEquals(records.map(({ data }) => data), data);
  }
  assertEquals([a.errors, b.errors], [[], []]);
  for (const { store, nodeId } of stores) await store.close!(nodeId);
}, TIMEOUT);

test(
  "outbox: many transactions end in another order than they began: no reader ever sees a hole, and all listeners get the same",
  async () => {
    const prefix = crypto.randomUUID();
    const random = new Random(7);
    await using a = await start(prefix, { lockTimeoutMs: 30_000 });
    await using b = await start(prefix, { lockTimeoutMs: 30_000 });
    const consoles = Array.from({ length: 8 }, () => openConsole(url));
    const pages: number[][] = [];
    let reading = true;
    const readers = [a, b].map(async ({ hub }) => {
      while (reading) pages.push((await hub.history("log/x")).records.map(({ offset }) => offset));
    });
    let committed = 0;
    try {
      await Promise.all(consoles.map(async ({ sql }, i) => {
        for (let round = 0; round < 6; round++) {
          const { hub } = i % 2 ? a : b;
          const [fails, turns] = [random.below(3) === 0, random.below(5)];
          await sql.begin(async (tx) => {
            await tx`SELECT 1`;
            for (let turn = 0; turn < turns; turn++) await tx`SELECT 1`;
            await hub.publish("log/x", { n: i * 100 + round }, { tx });
            for (let turn = 0; turn < 4 - turns; turn++) await tx`SELECT 1`;
            if (fails) throw new Error("taken back");
            committed++;
          }).catch((error: Error) => assertEquals(error.message, "taken back"));
          await hub.publish("log/x", { n: 1_000 + i });
          committed++;
        }
      }));
    } finally {
      reading = false;
      await Promise.all(readers);
      for (const console of consoles) await console[Symbol.asyncDispose]();
    }
    await waitFor(() => a.heard.length === committed && b.heard.length === committed, {
      what: "all of them",
    });
    assertEquals(a.heard, b.heard);
    assertEquals((await a.hub.position("log/x")).offset, committed);
    for (const offsets of pages) assertEquals(offsets, offsets.map((_, i) => offsets[0]! + i));
    assert(pages.length > 10, `${pages.length} pages`);
    assertEquals([a.errors, b.errors], [[], []]);
  },
  TIMEOUT,
);

test(
  "outbox: a transaction that stays open blocks only its own topics, and callers that wait for one are told",
  async () => {
    const prefix = crypto.randomUUID();
    await using a = await start(prefix, { lockTimeoutMs: 300 });
    await using console = openConsole(url);
    await using second = openConsole(url);
    const late = (error: HubError) =>
      assertEquals([error.code, /transaction/.test(error.message)], ["UNAVAILABLE", true]);
    await console.sql.begin(async (tx) => {
      await a.hub.publish("log/x", { n: 1 }, { tx });
      const waiting = [2, 3].map((n) =>
        a.hub.publish("log/x", { n }).then(() => undefined, (error) => error)
      );
      await a.hub.publish("log/y", { n: 1 }); // in the same turn, and in its turn
      for (const error of await Promise.all(waiting)) late(error);
      late(await second.sql.begin((tx) => a.hub.publish("log/x", { n: 4 }, { tx })).catch((error) => error));
      const patient = a.hub.publish("log/x", { n: 5 });
      await tx`SELECT 1`;
      patient.catch(() => {});
    });
    await a.hub.publish("log/x", { n: 6 });
    await waitFor(() => a.heard.at(-1) === 6, { what: "the last" });
    assertEquals(a.heard.filter((n) => n !== 5), [1, 6]);
    assertEquals(a.errors, []);
  },
  TIMEOUT,
);

test("outbox: transactions that follow each other without a pause leave others their turn", async () => {
  await using a = await start(crypto.randomUUID(), { lockTimeoutMs: 5_000 });
  const consoles = Array.from({ length: 4 }, () => openConsole(url));
  let done = false;
  let committed = 0;
  const busy = consoles.map(async ({ sql }) => {
    while (!done) {
      await sql.begin(async (tx) => {
        await a.hub.publish("log/x", { n: 1 }, { tx });
        await tx`SELECT pg_sleep(0.02)`;
      });
      committed++;
    }
  });
  try {
    await waitFor(() => committed > 4, { what: "the transactions to be under way" });
    for (let i = 0; i < 3; i++) await a.hub.publish("log/x", { n: 2 });
  } finally {
    done = true;
    await Promise.all(busy);
    for (const console of consoles) await console[Symbol.asyncDispose]();
  }
  assertEquals(a.errors, []);
}, TIMEOUT);

test(
  "outbox: if two transactions wait for each other one fails with the database's error, and the other is stored",
  async () => {
    await using a = await start(crypto.randomUUID(), { lockTimeoutMs: 20_000 });
    await using first = openConsole(url);
    await using second = openConsole(url);
    const both = Promise.withResolvers<void>();
    let begun = 0;
    const run = (console: typeof first, topics: readonly ("log/x" | "log/y")[]) =>
      console.sql.begin(async (tx) => {
        await a.hub.publish(topics[0]!, { n: 1 }, { tx });
        if (++begun === 2) both.resolve();
        await both.promise;
        await a.hub.publish(topics[1]!, { n: 1 }, { tx });
      });
    const ends = await Promise.allSettled([run(first, ["log/x", "log/y"]), run(second, ["log/y", "log/x"])]);
    const failed = ends.filter((end) => end.status === "rejected");
    assertEquals(failed.map(({ reason }) => reason.code), ["40P01"]);
    await got(a, 1);
    await a.hub.publish("log/x", { n: 2 });
    await got(a, 1, 2);
  },
  TIMEOUT,
);

test("outbox: an id counts within transactions and without", async () => {
  await using a = await start(crypto.randomUUID());
  await using console = openConsole(url);
  await console.sql.begin(async (tx) => {
    const first = await a.hub.publish("log/x", { n: 1 }, { tx, id: "one" });
    assertEquals(await a.hub.publish("log/x", { n: 1 }, { tx, id: "one" }), first);
  });
  assertEquals((await a.hub.publish("log/x", { n: 1 }, { id: "one" })).offset, 1);
  await a.hub.publish("log/x", { n: 2 }, { id: "two" });
  await console.sql.begin(async (tx) => {
    assertEquals((await a.hub.publish("log/x", { n: 2 }, { tx, id: "two" })).offset, 2);
    await a.hub.publish("log/x", { n: 3 }, { tx, id: "three" });
  });
  await got(a, 1, 2, 3);
}, TIMEOUT);

test("outbox: an emitter publishes within a transaction, also before it is open", async () => {
  const prefix = crypto.randomUUID();
  await using a = await start(prefix);
  await using console = openConsole(url);
  await using emitter = createEmitter(chat, { adapter: at(prefix) });
  await console.sql.begin(async (tx) => void await emitter.publish("log/x", { n: 1 }, { tx }));
  await got(a, 1);
}, TIMEOUT);

test(
  "outbox: messages that are committed while nodes have lost their connections reach them when they are back",
  async () => {
    await using server = await startPostgres();
    await using a = await start("p", undefined, server.url);
    await using b = await start("p", undefined, server.url);
    await using console = openConsole(server.url);
    await using killer = openConsole(server.url);
    await a.hub.publish("log/x", { n: 1 });
    await got(b, 1);

    await console.sql.begin(async (tx) => {
      await a.hub.publish("log/x", { n: 2 }, { tx });
      // All that the nodes have, at the moment of the commit: they hear nothing of it.
      const gone = await killer
        .sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trunkline'`;
      assert(gone.length >= 4, `${gone.length} connections`);
    });
    await got(a, 1, 2);
    await got(b, 1, 2);
    await waitFor(async () => (await a.hub.publish("log/x", { n: 3 }, { id: "3" })).offset === 3, {
      what: "a publish",
    });
    await got(b, 1, 2, 3);
  },
  TIMEOUT,
);

test(
  "outbox: a transaction in another database publishes nothing, because no node listens there",
  async () => {
    const prefix = crypto.randomUUID().replaceAll("-", "");
    await using a = await start(prefix);
    await using console = openConsole(url);
    const name = `other_${prefix}`;
    const elsewhere = Object.assign(new globalThis.URL(url), { pathname: `/${name}` }).href;
    await console.sql.unsafe(`CREATE DATABASE ${name}`);
    try {
      await using other = openConsole(elsewhere);
      await other.sql.unsafe(postgresHistorySql());
      await using there = await start(prefix, undefined, elsewhere); // the same prefix, as of another deployment
      await there.hub.publish("log/x", { n: 1 });
      await assertRejects(
        () => other.sql.begin((tx) => a.hub.publish("log/x", { n: 2 }, { tx })),
        TypeError,
        "another database",
      );
      await other.sql.begin((tx) => there.hub.publish("log/x", { n: 3 }, { tx }));
      assertEquals([await kept(a), await kept(there)], [[], [1, 3]]);
    } finally {
      await console.sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
    }
    await console
      .sql`UPDATE trunkline.history_stores SET id = ${crypto.randomUUID()} WHERE root = ${`tl:${prefix}:`}`;
    await console.sql.begin((tx) => a.hub.publish("log/x", { n: 4 }, { tx })); // the row of its own has changed
    await waitFor(async () => `${await kept(a)}` === "4", { what: "what is kept" });
  },
  TIMEOUT,
);

test("outbox: without a possible transaction the publisher gets an error, and nothing is sent", async () => {
  const prefix = crypto.randomUUID();
  await using a = await start(prefix);
  await using alone = await createNode();
  await using shared = await createNode(undefined, { history: createMemoryHistory() });
  await using console = openConsole(url);
  await console.sql.begin(async (tx) => {
    const words = "within a transaction";
    for (const { hub } of [alone, shared]) {
      await assertRejects(() => hub.publish("log/x", { n: 1 }, { tx }), TypeError, words);
    }
    const untyped = a.hub as unknown as {
      publish(topic: string, payload: unknown, options: object): unknown;
    };
    assertThrows(() => untyped.publish("stats", { n: 1 }, { tx }), TypeError, words);
    for (const tx of [console.sql, {}, () => {}]) {
      await assertRejects(
        () => a.hub.publish("log/x", { n: 1 }, { tx }),
        TypeError,
        "give the transaction itself",
      );
    }
    for (const tx of [null, 5, "tx", true]) {
      await assertRejects(
        () => a.hub.publish("log/x", { n: 1 }, { tx: tx as never }),
        TypeError,
        "tx of publish",
      );
    }
  });
  await a.hub.publish("log/x", { n: 2 });
  await got(a, 2);
  assertEquals(await kept(a), [2]);
}, TIMEOUT);
