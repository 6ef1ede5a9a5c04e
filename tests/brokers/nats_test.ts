import { assertEquals } from "@std/assert";
import { startNats, startNatsCluster } from "../../tools/brokers/nats.ts";
import { firstLine } from "../../tools/brokers/sockets.ts";
import { test } from "../harness.ts";

test("a NATS server that was killed comes back on its port", async () => {
  await using broker = await startNats();
  assertEquals((await firstLine(broker.port)).startsWith("INFO {"), true);
  await broker.kill();
  await broker.start();
  assertEquals((await firstLine(broker.port)).includes(`"port":${broker.port}`), true);
});

test("NATS servers of a cluster know each other, without one that was killed, and with it again", async () => {
  await using cluster = await startNatsCluster(3);
  const known = async (i: number) =>
    JSON.parse((await firstLine(cluster.servers[i]!.port)).slice(5)).connect_urls.length;
  assertEquals([await known(0), await known(1), await known(2)], [3, 3, 3]);
  await cluster.servers[0]!.kill();
  await cluster.waitUntilStable();
  assertEquals([await known(1), await known(2)], [2, 2]);
  await cluster.servers[0]!.start();
  await cluster.waitUntilStable();
  assertEquals([await known(0), await known(1), await known(2)], [3, 3, 3]);
});
