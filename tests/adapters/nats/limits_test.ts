import { assert, assertEquals, assertRejects } from "@std/assert";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HubError } from "../../../contract/errors.ts";
import { MAX_SUBJECT_LENGTH } from "../../../adapters/nats/subject.ts";
import { startNats } from "../../../tools/brokers/nats.ts";
import type { Broker } from "../../../tools/brokers/program.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode, openNode } from "./scene.ts";

async function startWithMaxPayload(bytes: number): Promise<Broker> {
  const folder = await mkdtemp(join(tmpdir(), "trunkline-nats-"));
  const path = join(folder, "nats.conf");
  await writeFile(path, `max_payload: ${bytes}`);
  try {
    return await startNats({ args: ["--config", path] });
  } finally {
    await rm(folder, { recursive: true });
  }
}

test("nats: the limit is the server's, minus the envelope; larger messages are refused with their size", async () => {
  await using server = await startWithMaxPayload(10_000);
  await using a = createNode(server.url);
  // Until a server has told its own, it is what servers take by default.
  assert(a.adapter.maxMessageBytes! > 1_000_000 && a.adapter.maxMessageBytes! < 1024 * 1024);
  await a.opening;
  await using b = await openNode(server.url, "news");
  const limit = a.adapter.maxMessageBytes!;
  assert(limit > 9_900 && limit < 10_000, `${limit}`);
  const [largest, tooLarge] = [limit, limit + 1].map((length) => new Uint8Array(length).fill(7));
  a.adapter.publish("news", largest!);
  a.adapter.publish("news", "x".repeat(limit));
  a.adapter.publish("news", tooLarge!);
  a.adapter.publish("news", "é".repeat(limit / 2 + 1));
  a.adapter.publish("news", "after");
  await b.got("news", "after");
  assertEquals(b.on("news"), [largest!, "x".repeat(limit), "after"]);
  assertEquals(a.errors.length, 2);
  for (const { error, stage, channel } of a.errors) {
    assert(error instanceof HubError && error.code === "TOO_LARGE");
    assertEquals([stage, channel], ["publish", "news"]);
  }
  assert(a.errors[0]!.error.message.includes(`${limit + 1} bytes`), a.errors[0]!.error.message);
});

test("nats: messages without a confirmation of the server are limited: beyond it they are dropped and counted", async () => {
  await using server = await startNats();
  const options = { servers: server.url, maxPendingBytes: 1_000_000 };
  await using a = await openNode(options);
  await using b = await openNode(server.url, "news", "end");
  for (let i = 0; i < 30; i++) a.adapter.publish("news", new Uint8Array(100_000).fill(i));
  await waitFor(() => a.errors.length > 0, { what: "the count" });
  for (const { error, stage } of a.errors) {
    assertEquals(stage, "publish");
    assert(error.message.includes("maxPendingBytes"), error.message);
  }
  assert(a.errors[0]!.error.message.startsWith("Cannot publish 21 messages"), a.errors[0]!.error.message);
  // Confirmed by now: there is room again.
  a.adapter.publish("end", "hello");
  await b.got("end", "hello");
  assertEquals(b.on("news").length, 9);
});

test("nats: many times maxPendingBytes arrive in order when the server keeps up", async () => {
  await using server = await startNats();
  await using a = await openNode({ servers: server.url, maxPendingBytes: 1_000_000 });
  await using b = await openNode(server.url, "news", "beat");
  for (let i = 0; i < 500; i++) {
    a.adapter.publish("news", `${i} ${"x".repeat(10_000)}`);
    if (i % 20 !== 19) continue;
    a.adapter.publish("beat", `${i}`);
    await b.got("beat", `${i}`);
    // With its own answer a knows what b knows.
    await a.adapter.subscribe(`channel ${i}`);
  }
  assertEquals(b.on("news").map((text) => parseInt(String(text))), Array.from({ length: 500 }, (_, i) => i));
  assertEquals(a.errors, []);
});

test("nats: the longest channel works; a longer one is refused at the caller, and hurts no other", async () => {
  await using server = await startNats();
  await using a = await openNode({ servers: server.url, prefix: "app" });
  const longest = "x".repeat(MAX_SUBJECT_LENGTH - "app.".length);
  await using b = await openNode({ servers: server.url, prefix: "app" }, longest, "news");
  a.adapter.publish(longest, "hello");
  await b.got(longest, "hello");
  await assertRejects(() => b.adapter.subscribe(`${longest}x`), RangeError, "at most");
  a.adapter.publish(`${longest}x`, "lost");
  a.adapter.publish("news", "after");
  await b.got("news", "after");
  assertEquals(a.errors.map(({ error, stage }) => [error.name, stage]), [["RangeError", "publish"]]);
  assertEquals([a.statuses, b.statuses], [["up"], ["up"]]);
});
