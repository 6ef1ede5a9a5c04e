import { createRedisAdapter } from "../../../adapters/redis/mod.ts";
import { presenceStoreConformance } from "../../../conformance/mod.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { afterAll } from "../../harness.ts";
import { openConsole } from "./scene.ts";
import { OpenAdapters, testStores, waysTo } from "./store_suites.ts";

const broker = await startRedis();
afterAll(async () => await broker[Symbol.asyncDispose]());

for (const [what, options] of Object.entries(waysTo(broker.url))) {
  const adapters = new OpenAdapters();
  const cases = presenceStoreConformance({
    create: async ({ prefix }) =>
      (await adapters.open(createRedisAdapter({ ...options(), prefix }))).presence!,
    async forget() {
      await using console = await openConsole(broker.url);
      await console.redis.flushall();
      await console.redis.script("FLUSH");
    },
  });
  testStores(`presence store, ${what}`, cases, adapters);
}
