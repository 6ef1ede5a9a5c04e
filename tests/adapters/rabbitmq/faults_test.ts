/**
 * What happens when a broker is taken away, runs out of memory or says no: on one of its own, as each takes seconds to start.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { type RabbitMqBroker, startRabbitMq } from "../../../tools/brokers/rabbitmq.ts";
import { afterAll, runtime, test, waitFor } from "../../harness.ts";
import { createNode, openNode } from "./scene.ts";
import type { TestNode } from "../test_node.ts";

let broker!: RabbitMqBroker;
if (runtime === "deno") {
  broker = await startRabbitMq();
  afterAll(() => broker.stop());
}

/** RabbitMQ behaves the same for all runtimes. Other tests show the behaviour of sockets on both runtimes. */
function faultTest(title: string, fn: (url: string) => Promise<void>, timeoutMs = 60_000): void {
  if (runtime === "bun") {
    test.skip(title, "it takes a server of its own: what RabbitMQ does is shown on Deno");
  } else test(title, () => fn(broker.url), { timeoutMs });
}

const PROBES = { probeIntervalMs: 500, probeTimeoutMs: 1_000, connectTimeoutMs: 2_000 };

/** Texts that came twice. */
function repeated({ received }: TestNode): string[] {
  const all = received.map(({ channel, data, from }) => `${channel} ${data} of ${from}`);
  return all.filter((text, i) => all.indexOf(text) !== i);
}

faultTest(
  "rabbitmq: a user needs rights only on the names of its prefix; without them it is refused and told what to grant",
  async (url) => {
    const mine = "^trunkline\\.mine";
    await Promise.all([broker.ctl("add_vhost", "side"), broker.ctl("add_user", "alice", "wonder")]);
    await broker.ctl("set_permissions", "-p", "side", "alice", mine, mine, mine);
    const alice = { url: `${url}/side`, username: "alice", password: "wonder" };
    await using a = await openNode({ ...alice, prefix: "mine" }, "news");
    await using b = await openNode({ ...alice, prefix: "mine" });
    b.adapter.publish("news", "hello");
    await a.got("news", "hello");
    await using stranger = createNode({ ...alice, prefix: "theirs" });
    const error = await assertRejects(() => stranger.opening, Error, "does not permit that");
    assert(error.message.includes("grant configure, write and read"), error.message);
    await using outside = createNode({ ...alice, url, prefix: "mine" });
    await assertRejects(() => outside.opening, Error, "check vhost and permissions");
  },
);

faultTest(
  "rabbitmq: while it accepts no messages they wait, with a limit and a report; subscribes go on, and the messages arrive later in order",
  async (url) => {
    const prefix = "blocked";
    await using a = await openNode({ url, prefix, ...PROBES, maxPendingBytes: 20_000 }, "early");
    await using b = await openNode({ url, prefix, ...PROBES }, "news");
    await broker.ctl("set_vm_memory_high_watermark", "absolute", "1");
    for (let i = 0; i < 30; i++) a.adapter.publish("news", `${i} ${"x".repeat(1_000)}`);
    const messages = () => a.errors.map(({ error }) => error.message).join("\n");
    await waitFor(() => messages().includes("takes no messages for now (low on memory)"), {
      what: "a report",
    });
    await waitFor(() => messages().includes("more than maxPendingBytes wait for an answer"), {
      what: "the bound",
    });
    assert(a.errors.every(({ stage }) => stage === "publish"));
    const clock = performance.now();
    await b.adapter.subscribe("more");
    await using late = await openNode({ url, prefix, ...PROBES }, "news");
    // Longer than any probe waits, but no node takes it for dead.
    await waitFor(() => performance.now() - clock > 2_500, { what: "some probes" });
    assertEquals([a.statuses, b.statuses, late.statuses, b.received], [["up"], ["up"], ["up"], []]);
    await broker.ctl("set_vm_memory_high_watermark", "absolute", "4GiB");
    await waitFor(() => b.on("news").length > 10, { what: "what waited" });
    a.adapter.publish("more", "after");
    await b.got("more", "after");
    const numbers = b.on("news").map((text) => parseInt(String(text)));
    assertEquals(numbers, numbers.map((_, i) => i));
    assert(numbers.length < 25, `${numbers.length}`);
  },
);

faultTest(
  "rabbitmq: if an operator closes all connections, this is reported, they are opened again, and no message comes twice",
  async (url) => {
    await using a = await openNode({ url, prefix: "closed", ...PROBES }, "news");
    await using b = await openNode({ url, prefix: "closed", ...PROBES }, "news");
    await broker.ctl("close_all_connections", "for maintenance");
    await Promise.all([a.back(), b.back()]);
    a.adapter.publish("news", "after");
    await b.got("news", "after");
    assert(a.errors[0]!.error.message.includes("for maintenance"), a.errors[0]!.error.message);
    assertEquals([...repeated(a), ...repeated(b)], []);
  },
);

faultTest("rabbitmq: a queue that is deleted is made again, with its bindings", async (url) => {
  await using a = await openNode({ url, prefix: "deleted", ...PROBES }, "news");
  const queues = await broker.ctl("list_queues", "name");
  await broker.ctl("delete_queue", /trunkline\.deleted\.inbox\S+/.exec(queues)![0]);
  await a.back();
  await using b = await openNode({ url, prefix: "deleted" });
  b.adapter.publish("news", "after");
  await a.got("news", "after");
});

faultTest(
  "rabbitmq: a frozen broker is noticed by probe, and all is live again when it thaws",
  async (url) => {
    await using a = await openNode({ url, prefix: "frozen", ...PROBES }, "news");
    await using b = await openNode({ url, prefix: "frozen", ...PROBES }, "news");
    broker.pause();
    await Promise.all([a.is("down"), b.is("down")]);
    a.adapter.publish("news", "lost");
    await waitFor(() => a.errors.some(({ stage }) => stage === "publish"), { what: "a report" });
    broker.resume();
    await Promise.all([a.is("up"), b.is("up")]);
    a.adapter.publish("news", "after");
    await b.got("news", "after");
    assertEquals([...repeated(a), ...repeated(b)], []);
    assert(!b.on("news").includes("lost"));
  },
);

faultTest(
  "rabbitmq: killed and started again: down and up, every subscription live, nothing twice, nothing late",
  async (url) => {
    const channels = Array.from({ length: 200 }, (_, i) => `channel ${i}`);
    await using a = await openNode({ url, prefix: "killed", ...PROBES });
    await using b = await openNode({ url, prefix: "killed", ...PROBES }, ...channels);
    a.adapter.publish("channel 7", "before");
    await b.got("channel 7", "before");
    await broker.kill();
    await Promise.all([a.is("down"), b.is("down")]);
    const waits = b.adapter.subscribe("while away");
    for (let i = 0; i < 50; i++) a.adapter.publish("channel 7", `lost ${i}`);
    await broker.start();
    await Promise.all([a.is("up"), b.is("up"), waits]);
    for (const channel of [...channels, "while away"]) a.adapter.publish(channel, "after");
    for (const channel of [...channels, "while away"]) await b.got(channel, "after");
    assertEquals(b.on("channel 7"), ["before", "after"]);
    assertEquals([a.statuses, repeated(b)], [["up", "down", "up"], []]);
    assert(
      a.errors.some(({ stage, error }) =>
        stage === "publish" && error.message.includes("the connection is down")
      ),
    );
  },
);

async function between(from: TestNode, to: TestNode, channel: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) from.adapter.publish(channel, `${from.nodeId} ${i}`);
  const heard = () => to.on(channel).filter((text) => String(text).startsWith(from.nodeId));
  await waitFor(() => heard().length === count, { what: "all messages", timeoutMs: 20_000 });
  assertEquals(heard(), Array.from({ length: count }, (_, i) => `${from.nodeId} ${i}`));
}

faultTest(
  "rabbitmq: on two servers of a cluster a subscribe is live on both, order holds, and a killed server is not needed",
  async (url) => {
    await using two = await startRabbitMq({ join: broker });
    const common = { prefix: "two", probeIntervalMs: 500 };
    await using a = await openNode({ ...common, url }, "fence");
    await using b = await openNode({ ...common, url: two.url }, "fence");
    for (let i = 0; i < 200; i++) {
      const [listener, speaker] = i % 2 === 0 ? [a, b] : [b, a];
      await listener.adapter.subscribe(`channel ${i}`);
      speaker.adapter.publish(`channel ${i}`, "at once");
      await listener.got(`channel ${i}`, "at once");
    }
    await between(a, b, "fence", 2_000);
    await between(b, a, "fence", 2_000);
    // It has to be on the server that goes: the other one comes to know of it by then.
    await using c = await openNode({ ...common, url: two.url }, "news");
    await using d = await openNode({ ...common, url: [two.url, url] }, "news");
    await two.kill();
    await Promise.all([b.is("down"), c.is("down")]);
    await waitFor(() => {
      a.adapter.publish("news", "without it");
      return d.on("news").includes("without it");
    }, { what: "a message on the server that is left", timeoutMs: 20_000 });
    await d.is("up");
    await between(a, d, "news", 100);
    assertEquals(a.statuses, ["up"]);
  },
  120_000,
);
