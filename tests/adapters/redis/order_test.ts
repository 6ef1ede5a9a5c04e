/** Scripts of one row take effect in the order of their calls, also when answers and connections come and go. */
import { assertEquals, assertRejects } from "@std/assert";
import { Redis, type RedisOptions } from "ioredis";
import { createIoredisDriver } from "../../../adapters/kit/redis/ioredis.ts";
import type { RedisLinkEvents } from "../../../adapters/kit/redis/link.ts";
import { createNodeRedisDriver } from "../../../adapters/kit/redis/node_redis.ts";
import { Batches, type RedisCommand } from "../../../adapters/kit/redis/reach.ts";
import { script } from "../../../adapters/kit/redis/script.ts";
import { ClusterLink } from "../../../adapters/redis_cluster/link.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { FakeClock, microtaskClock } from "../../fake_clock.ts";
import { test } from "../../harness.ts";
import { microtasks } from "../../hub/wires.ts";
import { NOSCRIPT, scriptedWrites } from "./scripted_writes.ts";

const PUSH = script("return redis.call('RPUSH', KEYS[1], ARGV[1])");

test("batches: a call does not come after a later one of its row whose answer is here first", async () => {
  const { sent, run } = scriptedWrites();
  const late = run("x", "1");
  await microtasks();
  const next = run("x", "2");
  await microtasks();
  sent[1]!.answer("2"); // another node has run the script meanwhile
  await microtasks();
  sent[0]!.answer(NOSCRIPT);
  await assertRejects(() => late, Error, "TRYAGAIN");
  assertEquals(await next, "2");
  await microtasks();
  assertEquals(sent.length, 2, "the first is not sent again");
});

test("batches: calls are sent again in their order, in whichever order their answers come", async () => {
  const { sent, run } = scriptedWrites();
  const done = [run("x", "1")];
  await microtasks();
  done.push(run("x", "2"));
  await microtasks();
  sent[1]!.answer(NOSCRIPT);
  await microtasks();
  sent[0]!.answer(NOSCRIPT);
  await microtasks();
  assertEquals(sent[2]!.names, ["EVAL 1", "EVALSHA 2"]);
  sent[2]!.answer("1", "2");
  assertEquals(await Promise.all(done), ["1", "2"]);
});

test("batches: a call is not sent again if a later one of its row may have been done", async () => {
  const { sent, run } = scriptedWrites();
  const late = run("x", "1"), other = run("y", "2");
  await microtasks();
  const lost = run("x", "3");
  await microtasks();
  sent[0]!.answer(NOSCRIPT, NOSCRIPT);
  sent[1]!.answer(new Error("Connection is closed."));
  await assertRejects(() => late, Error, "TRYAGAIN");
  await assertRejects(() => lost, Error, "Connection is closed.");
  await microtasks();
  assertEquals(sent[2]!.names, ["EVAL 2"]);
  sent[2]!.answer("2");
  assertEquals(await other, "2");
});

test("batches: the pause of a part whose calls were overtaken does not lose later calls", async () => {
  const clock = new FakeClock();
  const isForNow = (reply: Error) => reply.message.startsWith("TRYAGAIN");
  const { sent, run } = scriptedWrites({ patience: { clock, ms: 1_000, isForNow } });
  const late = run("x", "1"), next = run("x", "2");
  await microtasks();
  sent[0]!.answer(new Error("TRYAGAIN The slot is moving"), "2");
  await assertRejects(() => late, Error, "TRYAGAIN");
  assertEquals(await next, "2");
  const third = run("x", "3");
  await microtasks();
  sent[1]!.answer("3");
  assertEquals(await third, "3");
  await microtasks();
  const fourth = run("x", "4");
  clock.advance(1_000); // the pause ends
  await microtasks();
  assertEquals(sent[2]?.names, ["EVALSHA 4"]);
  sent[2]!.answer("4");
  assertEquals(await fourth, "4");
});

test("batches: a pause that no call needs any more does not send a call again while a later one is under way", async () => {
  const clock = new FakeClock();
  const isForNow = (reply: Error) => reply.message.startsWith("TRYAGAIN");
  const { sent, run } = scriptedWrites({ patience: { clock, ms: 1_000, isForNow } });
  const overtaken = run("x", "1"), next = run("x", "2"), other = run("y", "3");
  await microtasks();
  sent[0]!.answer(new Error("TRYAGAIN The slot is moving"), "2", "3"); // the pause begins
  await assertRejects(() => overtaken, Error, "TRYAGAIN");
  assertEquals(await Promise.all([next, other]), ["2", "3"]);
  const late = run("x", "4");
  await microtasks();
  const later = run("x", "5");
  await microtasks();
  sent[1]!.answer(NOSCRIPT);
  await microtasks();
  clock.advance(1_000); // the pause ends
  await microtasks();
  assertEquals(sent.map(({ names }) => names.join()), [
    "EVALSHA 1,EVALSHA 2,EVALSHA 3",
    "EVALSHA 4",
    "EVALSHA 5",
  ]);
  sent[2]!.answer("5");
  await assertRejects(() => late, Error, "TRYAGAIN");
  assertEquals(await later, "5");
});

test("batches: a call without a row does not wait for the answers to earlier writes", async () => {
  const { sent, run } = scriptedWrites();
  const first = run("x", "1");
  await microtasks();
  const next = run(undefined, "2"), second = run("x", "3");
  await microtasks();
  sent[1]!.answer("2", "3");
  assertEquals(await next, "2");
  sent[0]!.answer("1");
  assertEquals(await Promise.all([first, second]), ["1", "3"]);
});

/** Makes connections, as those of the adapters are made. */
const DRIVERS = { ioredis: createIoredisDriver, "node-redis": createNodeRedisDriver };

for (const [name, create] of Object.entries(DRIVERS)) {
  test(`batches over ${name}: when another node loads the script between two writes, the first does not come second`, async () => {
    await using broker = await startRedis();
    const { hostname: host, port } = new URL(broker.url);
    const driver = create({ host, port: Number(port) }, 5_000);
    const link = await driver.connect({ onMessage: () => {}, onLost: () => {} });
    try {
      await link.ready;
      let writes = 0;
      const batches = new Batches({
        partOf: () => 0,
        keysOf: () => "",
        run: (_part, commands: readonly RedisCommand[]) => {
          // On this connection, so that all three are certain to be in this order.
          if (++writes === 2) void link.run([["SCRIPT", "LOAD", PUSH.text]]);
          return link.run(commands);
        },
        explain: (error) => error,
      }, microtaskClock);
      const late = batches.runPatiently("x", 0, PUSH, ["list"], "1");
      late.catch(() => {});
      await microtasks();
      const next = batches.runPatiently("x", 0, PUSH, ["list"], "2");
      assertEquals(await next, 1);
      await assertRejects(() => late, Error, "TRYAGAIN");
      assertEquals(await link.run([["LRANGE", "list", "0", "-1"]]), [["2"]]);
    } finally {
      await link.destroy();
    }
  });
}

const MAKERS = {
  ...DRIVERS,
  "the adapter for Redis Cluster": (redis: RedisOptions) => ({
    connect: (events: RedisLinkEvents) =>
      new ClusterLink({ Redis, redis, mode: "classic", name: "test" }, { ...events, onEvicted: () => {} }),
  }),
};

for (const [name, create] of Object.entries(MAKERS)) {
  test(`the writes of a connection of ${name} are settled in their order, also when one fails`, async () => {
    await using broker = await startRedis();
    const { hostname: host, port } = new URL(broker.url);
    const link = await create({ host, port: Number(port) }, 5_000).connect({
      onMessage: () => {},
      onLost: () => {},
    });
    try {
      await link.ready;
      const settled: number[] = [];
      const writes = [
        () => link.run([["PING"], ["EVALSHA", "x".repeat(40), "0"]]),
        () => link.publish([{ name: "a", data: "1" }]),
        () => link.run([["NONSENSE"]]),
        () => link.run([["PING"]]),
      ];
      await Promise.all(writes.map((write, i) => write().then(() => settled.push(i))));
      assertEquals(settled, [0, 1, 2, 3]);
    } finally {
      await link.destroy();
    }
  });
}
