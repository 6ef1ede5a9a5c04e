import { assertEquals, assertRejects } from "@std/assert";
import { existsSync } from "node:fs";
import { startRedis } from "../../tools/brokers/redis.ts";
import { redisCommand } from "../../tools/brokers/sockets.ts";
import { test } from "../harness.ts";

test("a broker that was killed comes back on its port, without its data", async () => {
  await using broker = await startRedis();
  assertEquals(broker.url, `redis://127.0.0.1:${broker.port}`);
  await redisCommand(broker.port, "SET", "key", "vâlue");
  assertEquals(await redisCommand(broker.port, "STRLEN", "key"), 6);
  assertEquals(broker.running, true);
  await broker.kill();
  assertEquals(broker.running, false);
  await assertRejects(() => redisCommand(broker.port, "PING"));
  await broker.start();
  assertEquals(await redisCommand(broker.port, "GET", "key"), null);
});

test("a broker that is frozen keeps connections and answers once it is thawed", async () => {
  await using broker = await startRedis();
  broker.pause();
  assertEquals(broker.running, false);
  let answered = false;
  const answer = redisCommand(broker.port, "PING").finally(() => answered = true);
  // Another broker answers meanwhile.
  await using other = await startRedis();
  await redisCommand(other.port, "PING");
  assertEquals(answered, false);
  broker.resume();
  assertEquals(await answer, "PONG");
});

test("a broker that is stopped leaves no folder behind, and may be stopped again", async () => {
  const broker = await startRedis();
  const [, folder] = await redisCommand(broker.port, "CONFIG", "GET", "dir") as string[];
  assertEquals(existsSync(folder), true);
  broker.pause();
  await broker.stop();
  assertEquals(existsSync(folder), false);
  await broker.stop();
});

test("a broker whose port is taken, or whose arguments are wrong, says so", async () => {
  await using broker = await startRedis();
  await assertRejects(() => startRedis({ port: broker.port }), Error, "Cannot start");
  await assertRejects(() => startRedis({ args: ["--no-such-thing", "1"] }), Error, "no-such-thing");
  await assertRejects(() => startRedis({ program: "/nowhere/redis-server" }), Error, "/nowhere/redis-server");
});
