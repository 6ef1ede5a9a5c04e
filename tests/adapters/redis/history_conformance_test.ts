import { createClient } from "redis";
import { createRedisAdapter, type RedisAdapterOptions } from "../../../adapters/redis/mod.ts";
import { historyStoreConformance } from "../../../conformance/mod.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { afterAll } from "../../harness.ts";
import { OpenHistories, testHistories } from "./history_scene.ts";

const broker = await startRedis();
afterAll(async () => await broker[Symbol.asyncDispose]());

const WAYS: Readonly<Record<string, () => Partial<RedisAdapterOptions>>> = {
  "in Redis by ioredis": () => ({ url: broker.url }),
  "in Redis by node-redis": () => ({ client: createClient({ url: broker.url }) }),
};

for (const [what, options] of Object.entries(WAYS)) {
  const opened = new OpenHistories();
  const cases = historyStoreConformance({
    create: ({ prefix }) => opened.open(createRedisAdapter({ ...options(), prefix })),
  });
  testHistories(what, opened, cases);
}
