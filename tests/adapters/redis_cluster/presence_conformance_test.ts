import process from "node:process";
import { createRedisClusterAdapter } from "../../../adapters/redis_cluster/mod.ts";
import { presenceStoreConformance } from "../../../conformance/mod.ts";
import { test } from "../../harness.ts";
import { OpenAdapters, testCases } from "../redis/presence_scene.ts";
import { TIMES } from "./scene.ts";

/** The cluster that is there for all; nobody breaks it, or forgets what is on it. */
const url = process.env.REDIS_CLUSTER_URL;

const adapters = new OpenAdapters();
const cases = presenceStoreConformance({
  create: ({ prefix }) => adapters.open(createRedisClusterAdapter({ nodes: url, prefix, ...TIMES })),
  waitMs: 30_000,
});
if (url) testCases("in Redis Cluster", adapters, cases);
else test.skip("presence store, in Redis Cluster", "REDIS_CLUSTER_URL names no cluster");
