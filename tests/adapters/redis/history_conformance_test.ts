import { assertEquals, assertRejects } from "@std/assert";
import { createRedisAdapter, createRedisHistory } from "../../../adapters/redis/mod.ts";
import { historyStoreConformance } from "../../../conformance/mod.ts";
import { HubError } from "../../../contract/mod.ts";
import { startRedis } from "../../../tools/brokers/redis.ts";
import { afterAll, test } from "../../harness.ts";
import { OpenAdapters, testStores, waysTo } from "./store_suites.ts";

const broker = await startRedis();
afterAll(async () => await broker[Symbol.asyncDispose]());

for (const [what, options] of Object.entries(waysTo(broker.url))) {
  const opened = new OpenAdapters();
  const cases = historyStoreConformance({
    create: async ({ prefix }) => (await opened.open(createRedisAdapter({ ...options(), prefix }))).history!,
  });
  testStores(`history store, ${what}`, cases, opened);

  const alone = historyStoreConformance({
    create: ({ prefix }) => createRedisHistory({ ...options(), prefix }),
  });
  testStores(`history store, ${what}, beside another adapter`, alone);
}

test("redis history: a store beside another adapter serves several hubs, until the last of them closes", async () => {
  const store = createRedisHistory({ url: broker.url, prefix: "alone" });
  const context = (nodeId: string) => ({ nodeId, deliver() {}, onError() {} });
  const append = async () => (await store.append("news", "", { size: 9, ttlMs: Infinity }))[1];
  const error = await assertRejects(append, HubError, "it is not open");
  assertEquals([error.code, store.publishes], ["UNAVAILABLE", false]);
  await Promise.all([store.open!(context("a")), store.open!(context("b"))]);
  assertEquals(await append(), 1);
  await store.close!("a");
  assertEquals(await append(), 2);
  await store.close!("b");
  await assertRejects(append, HubError, "it is not open");
  await store.open!(context("c"));
  assertEquals(await append(), 3);
  await store.close!("c");
});
