import { assertEquals } from "@std/assert";
import { startRabbitMq } from "../../../tools/brokers/rabbitmq.ts";
import { runtime, test, waitFor } from "../../harness.ts";
import { openNode, type TestNode } from "./scene.ts";

const title =
  "rabbitmq: on two servers of a cluster a subscribe is live on both, order holds, and one that is killed is done without";

async function between(from: TestNode, to: TestNode, channel: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) from.adapter.publish(channel, `${from.nodeId} ${i}`);
  const heard = () => to.on(channel).filter((text) => String(text).startsWith(from.nodeId));
  await waitFor(() => heard().length === count, { what: "all messages", timeoutMs: 20_000 });
  assertEquals(heard(), Array.from({ length: count }, (_, i) => `${from.nodeId} ${i}`));
}

if (runtime === "bun") test.skip(title, "two servers take half a minute: what they do is shown on Deno");
else {
  test(title, async () => {
    await using one = await startRabbitMq();
    await using two = await startRabbitMq({ join: one });
    const common = { prefix: "two", probeIntervalMs: 500 };
    await using a = await openNode({ ...common, url: one.url }, "fence");
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
    await using d = await openNode({ ...common, url: [two.url, one.url] }, "news");
    await two.kill();
    await Promise.all([b.is("down"), c.is("down")]);
    await waitFor(() => {
      a.adapter.publish("news", "without it");
      return d.on("news").includes("without it");
    }, { what: "a message on the server that is left", timeoutMs: 20_000 });
    await two.start();
    await Promise.all([b.is("up"), c.is("up"), d.is("up")]);
    await between(a, c, "news", 100);
    await between(b, d, "news", 100);
    assertEquals(a.statuses, ["up"]);
  }, { timeoutMs: 120_000 });
}
