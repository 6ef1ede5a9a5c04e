import { AMQPClient } from "@cloudamqp/amqp-client";
import { assert, assertEquals } from "@std/assert";
import { freePort } from "../../../tools/brokers/ports.ts";
import { startProxy } from "../../../tools/brokers/proxy.ts";
import { keyOf, nameOf } from "../../../adapters/rabbitmq/names.ts";
import { pack } from "../../../adapters/rabbitmq/packing.ts";
import { test, waitFor } from "../../harness.ts";
import { createNode, openNode, publishForeign, SHARED } from "./scene.ts";
import type { TestNode } from "../test_node.ts";

const options = () => ({ url: SHARED, prefix: crypto.randomUUID() });

/** Looks at the exchange of a prefix as an operator may. */
async function asOperator(what: (client: AMQPClient) => Promise<unknown>): Promise<void> {
  const client = new AMQPClient(SHARED);
  await client.connect();
  await what(client);
  await client.close();
}

test("rabbitmq: the queue of a node that does not read is limited: the oldest messages are dropped, each loss is reported, and the node goes on", async () => {
  const { url, prefix } = options();
  await using proxy = await startProxy(Number(new URL(SHARED).port));
  await using frozen = await openNode({
    url: `amqp://127.0.0.1:${proxy.port}`,
    prefix,
    maxQueueBytes: 200_000,
    // Longer than it is frozen: it is not replaced meanwhile.
    probeTimeoutMs: 60_000,
  }, "news");
  await using a = await openNode({ url, prefix });
  await using witness = await openNode({ url, prefix }, "news");
  const filling = "x".repeat(60_000);
  for (let time = 1; time <= 2; time++) {
    const already = frozen.received.length;
    proxy.blackhole();
    // More than all buffers on the way to it; no other node loses any.
    for (let i = 1; i <= 400; i++) {
      a.adapter.publish("news", `${i} ${filling}`);
      if (i % 20 > 0) continue;
      const all = (time - 1) * 401 + i;
      await waitFor(() => witness.received.length === all, { what: "the witness" });
    }
    proxy.heal();
    await waitFor(() => frozen.gaps.length === time, { what: "the gap", timeoutMs: 20_000 });
    a.adapter.publish("news", `after ${time}`);
    await frozen.got("news", `after ${time}`);
    const numbers = frozen.on("news").slice(already, -1).map((text) => parseInt(String(text)));
    assert(numbers.length < 400 && numbers.at(-1) === 400, `${numbers}`);
    assertEquals(numbers, [...new Set(numbers)].toSorted((x, y) => x - y));
  }
  assertEquals([frozen.gaps, frozen.statuses, a.errors], [[undefined, undefined], ["up"], []]);
  for (const { error, stage } of frozen.errors) {
    assertEquals(stage, "delivery");
    assert(error.message.includes("more than maxQueueBytes waited for it"), error.message);
  }
});

test("rabbitmq: a queue may be of any size that a number can say", async () => {
  for (const maxQueueBytes of [2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, Number.MAX_SAFE_INTEGER]) {
    await using node = await openNode({ ...options(), maxQueueBytes }, "news");
    assertEquals([node.statuses, node.errors], [["up"], []]);
  }
});

test("rabbitmq: channels of any length work, and a message with the key of another long channel goes to none", async () => {
  const { url, prefix } = options();
  // Longer than a frame.
  const [one, two] = ["x".repeat(50_000), `${"x".repeat(49_999)}y`];
  await using a = await openNode({ url, prefix });
  await using b = await openNode({ url, prefix }, one, two, "end");
  a.adapter.publish(one, "for one");
  for (let i = 0; i < 3; i++) a.adapter.publish(two, `for two ${i}`);
  await b.got(two, "for two 2");
  assertEquals([b.on(one), b.on(two)], [["for one"], ["for two 0", "for two 1", "for two 2"]]);
  const packed = (...texts: string[]) => pack(texts.map((text) => new TextEncoder().encode(text)));
  const others = [nameOf("end"), nameOf("x".repeat(300)), nameOf(two)].map((name) =>
    packed(name, "TL1t1:xhello")
  );
  const named = { type: "trunkline.named" };
  await publishForeign(prefix, keyOf(nameOf(one)), ["", "hello", packed(""), ...others], named);
  await publishForeign(prefix, keyOf(nameOf(one)), others, { type: "trunkline.pack" });
  a.adapter.publish("end", "end");
  await b.got("end", "end");
  assertEquals([b.on("end"), b.received.length], [["end"], 5]);
  assertEquals(b.errors.map(({ stage, channel }) => [stage, channel])[0], ["delivery", one]);
});

test("rabbitmq: a deleted exchange is created again, with every subscription", async () => {
  const { url, prefix } = options();
  await using a = await openNode({ url, prefix, probeIntervalMs: 500, probeTimeoutMs: 500 }, "news");
  await using b = await openNode({ url, prefix, probeIntervalMs: 500, probeTimeoutMs: 500 }, "news");
  await asOperator(async (client) => await (await client.channel()).exchangeDelete(`trunkline.${prefix}`));
  await Promise.all([a.back(), b.back()]);
  // Whoever comes back first may meet an exchange that the other has not bound to yet: both are up, and it is well.
  a.adapter.publish("news", "from a");
  b.adapter.publish("news", "from b");
  await Promise.all([b.got("news", "from a"), a.got("news", "from b")]);
});

test("rabbitmq: if one of several servers is away the others are used", async () => {
  const { prefix } = options();
  const dead = `amqp://127.0.0.1:${await freePort()}`;
  for (let i = 0; i < 4; i++) {
    await using node = await openNode({ url: [dead, SHARED], prefix });
    assertEquals([node.statuses, node.errors], [["up"], []]);
  }
  await using refused = createNode({ url: [dead, SHARED], prefix, password: "wrong" });
  const error = await refused.opening.then(() => undefined, (error: Error) => error);
  assert(error?.message.includes("it refuses our credentials"), error?.message);
});

test("rabbitmq: a server that goes silent in the middle of a login is left for another", async () => {
  const { prefix } = options();
  await using proxy = await startProxy(Number(new URL(SHARED).port));
  proxy.blackhole();
  await using node = createNode({
    url: [`amqp://127.0.0.1:${proxy.port}`, SHARED],
    prefix,
    connectTimeoutMs: 500,
  });
  await node.opening;
  assertEquals(node.statuses, ["up"]);
});

test("rabbitmq: a burst over the bound is dropped and counted, the rest arrives in order", async () => {
  const { url, prefix } = options();
  await using a = await openNode({ url, prefix, maxPendingBytes: 50_000 });
  await using b = await openNode({ url, prefix }, "news");
  for (let i = 0; i < 100; i++) a.adapter.publish("news", `${i} ${"x".repeat(1_000)}`);
  await waitFor(() => a.errors.length > 0, { what: "a report" });
  const { error, stage, channel } = a.errors[0]!;
  assertEquals([stage, channel], ["publish", "news"]);
  assert(error.message.includes("more than maxPendingBytes wait for an answer"), error.message);
  a.adapter.publish("news", "next");
  await waitFor(() => {
    if (!b.on("news").includes("next")) a.adapter.publish("news", "next");
    return b.on("news").includes("next");
  }, { what: "the next message" });
  const numbers = numbersOf(b);
  assertEquals(numbers, numbers.map((_, i) => i));
  assert(numbers.length > 30 && numbers.length < 60, `${numbers.length}`);
});

function numbersOf({ on }: TestNode): number[] {
  return on("news").filter((text) => text !== "next").map((text) => parseInt(String(text)));
}
