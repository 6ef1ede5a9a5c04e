import { assert, assertEquals, assertThrows } from "@std/assert";
import { Cluster } from "ioredis";
import { createCluster } from "redis";
import { createRedisAdapter, type RedisAdapterOptions } from "../../../adapters/redis/mod.ts";
import { createNatsAdapter } from "../../../adapters/nats/mod.ts";
import { createRedisClusterAdapter } from "../../../adapters/redis_cluster/mod.ts";
import { RedisChannels } from "../../../adapters/redis/channels.ts";
import { test } from "../../harness.ts";

const refusal = (options: unknown): Error =>
  assertThrows(() => createRedisAdapter({ prefix: "p", ...options as Partial<RedisAdapterOptions> }), Error);

test("redis: an invalid URL is refused without repeating it, because it may contain a password", () => {
  for (
    const url of ["", "redis", "http://me:s3cret@host", "redis://", "redis://me:s3cret%@host", "//s3cret@x"]
  ) {
    for (const error of [refusal({ url })]) {
      assert(error instanceof TypeError, `${url}: ${error}`);
      assert(error.message.startsWith("Cannot connect to Redis: its URL must be like redis://"));
      assert(!`${error.message}${error.stack}${error.cause}`.includes("s3cret"));
    }
  }
});

test("redis: options that make no sense, or contradict each other, are refused", () => {
  assertEquals(refusal({ prefix: "" }).name, "TypeError");
  assertEquals(refusal({ prefix: "\ud800" }).name, "TypeError");
  assert(refusal({ prefix: undefined }).message.includes('such as prefix: "my-app"'));
  assert(refusal({ ur: "redis://localhost" }).message.includes('did you mean "url"'));
  assertEquals(refusal({ sentinels: [{ host: "a", port: 1 }] }).name, "TypeError");
  assertEquals(refusal({ sentinels: [], name: "m" }).name, "TypeError");
  assertEquals(refusal({ port: 0 }).name, "RangeError");
  assertEquals(refusal({ port: 70_000 }).name, "RangeError");
  for (const name of ["connectTimeoutMs", "probeIntervalMs", "probeTimeoutMs", "maxMessageBytes"]) {
    for (const value of [0, -1, NaN, "9"]) {
      const error = refusal({ [name]: value });
      const kind = typeof value === "number" ? "RangeError" : "TypeError";
      assertEquals([error.name, error.message.includes(name)], [kind, true]);
    }
  }
});

test("adapters: an address instead of options is refused with what to give, and is not repeated in the error", () => {
  const url = "redis://:s3cret@127.0.0.1" as never;
  for (const create of [createRedisAdapter, createRedisClusterAdapter, createNatsAdapter]) {
    const error = assertThrows(() => create(url), TypeError, 'prefix: "my-app" }');
    assert(!error.message.includes("s3cret"));
    assertThrows(() => create({} as never), TypeError, `Cannot do without prefix of ${create.name}`);
  }
  assertThrows(() => createRedisClusterAdapter([url] as never), TypeError, "{ nodes, prefix");
});

test("redis: a client of another kind is refused, and so are options beside a client", () => {
  const cluster = new Cluster([{ host: "127.0.0.1", port: 1 }], { lazyConnect: true });
  const nodeCluster = createCluster({ rootNodes: [{ url: "redis://127.0.0.1:1" }] });
  for (const client of [cluster, nodeCluster, {}, { duplicate: () => {} }, { duplicate: 1, status: "x" }]) {
    assert(refusal({ client }).message.startsWith("Cannot use this Redis client: pass a client of ioredis"));
  }
  assertEquals(
    refusal({ client: {}, host: "x" }).message,
    'Cannot use both a Redis client and the option "host": give one of them',
  );
  cluster.disconnect();
});

test("redis: two prefixes never name one channel in Redis, and two channels neither", () => {
  const prefixes = ["a", "a:c", "a:c:b", "a%3Ac", "a%", "a%25", "%", ":", "::", "j"];
  const channels = ["", "b", "c:b", "j:b", "p:b", ":b", "\ud800", "\ud801", "\ufffd", '"\\ud800"', "x\ud800"];
  const names = prefixes.flatMap((prefix) => {
    const redis = new RedisChannels(prefix);
    return [...channels.map((channel) => redis.nameOf(channel)), redis.probeOf("b")];
  });
  const bytes = names.map((name) => new TextEncoder().encode(name).join());
  assertEquals(new Set(bytes).size, prefixes.length * (channels.length + 1));
  assertEquals(new RedisChannels("shop").nameOf("room:1"), "shop:c:room:1");
});
