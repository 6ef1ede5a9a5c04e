/**
 * Several nodes append to one topic at the same time, and three servers store each message. Servers before 2.9.21 then
 * store and confirm two writes for one place.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { startNatsCluster } from "../../../tools/brokers/nats.ts";

import { test, waitFor } from "../../harness.ts";
import { JETSTREAM, openHistory, PLENTY } from "./history_scene.ts";

const EACH = 100;

test("with replicas, all confirmed messages of three nodes are read and heard at their offsets", async () => {
  await using cluster = await startNatsCluster(3, { args: JETSTREAM });
  const options = { servers: cluster.servers.map(({ url }) => url), history: { replicas: 3 } };
  await using a = await openHistory(options, "news");
  await using b = await openHistory(options, "news");
  await using c = await openHistory(options, "news");
  const kept: [offset: number, data: string, who: number][] = [];
  await Promise.all([a, b, c].map(async ({ store }, who) => {
    for (let i = 0; i < EACH; i++) {
      const data = `${who}:${i}`;
      const key = i % 3 === 0 ? { idempotencyKey: data } : {};
      const [, offset] = await store.append("news", data, { ...PLENTY, ...key });
      kept.push([offset, data, who]);
    }
  }));
  kept.sort(([one], [other]) => one - other);
  const expected = kept.map(([offset, data]) => [offset, data]);
  assertEquals(kept.map(([offset]) => offset), Array.from({ length: 3 * EACH }, (_, i) => i + 1));
  for (const [me, { store, delivered, errors }] of [a, b, c].entries()) {
    const { position, records } = await store.read("news");
    assertEquals(position[1], 3 * EACH);
    assertEquals(records.map(({ offset, data }) => [offset, data]), expected);
    const others = kept.filter(([, , who]) => who !== me).map(([offset, data]) => [offset, data]);
    await waitFor(() => delivered.length >= others.length, { what: "the messages of the others" });
    assertEquals(delivered.map(({ position, data }) => [position[1], data]), others);
    assertEquals(errors, []);
  }
  // A node that knows nothing reads the same, and knows the keys.
  await using d = await openHistory(options);
  assertEquals((await d.store.read("news")).records.map(({ offset, data }) => [offset, data]), expected);
  for (const [offset, data] of kept.filter(([, data]) => data.endsWith(":99") || data.endsWith(":0"))) {
    const [, known] = await d.store.append("news", "again", { ...PLENTY, idempotencyKey: data });
    assertEquals(known, offset);
  }
}, { timeoutMs: 120_000 });
