import { createClient } from "redis";
import { createRedisAdapter, type RedisAdapterOptions } from "../../../adapters/redis/mod.ts";
import { presenceStoreConformance } from "../../../conformance/mod.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { afterAll } from "../../harness.ts";
import { OpenAdapters, testCases } from "./presence_scene.ts";
import { openConsole } from "./scene.ts";

const broker = await startRedis();
afterAll(async () => await broker[Symbol.asyncDispose]());

const WAYS: Readonly<Record<string, () => Partial<RedisAdapterOptions>>> = {
  "in Redis by ioredis": () => ({ url: broker.url }),
  "in Redis by node-redis": () => ({ client: createClient({ url: broker.url }) }),
};

for (const [what, options] of Object.entries(WAYS)) {
  const adapters = new OpenAdapters();
  const cases = presenceStoreConformance({
    create: ({ prefix }) => adapters.open(createRedisAdapter({ ...options(), prefix })),
    async forget() {
      await using console = await openConsole(broker.url);
      await console.redis.flushall();
      await console.redis.script("FLUSH");
    },
  });
  testCases(what, adapters, cases);
}
