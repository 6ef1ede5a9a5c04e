import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { createZeroMqProxy } from "@trunkline/hub/adapters/zeromq";
import { execFile } from "node:child_process";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { startZeroMqProxy, type ZeroMqBroker } from "../../../tools/brokers/zeromq.ts";
import { freeAddress, onDeno, openNode } from "./scene.ts";

const test = onDeno("zeromq proxy");

const addressesOf = ({ url }: ZeroMqBroker) => {
  const [front, back] = url.split(",");
  return { front: front!, back: back! };
};

const TIMES = { probeIntervalMs: 300, probeTimeoutMs: 700, connectTimeoutMs: 1_000 };

test("zeromq proxy: the command runs a proxy, which works again after a kill, a freeze and a restart", async () => {
  await using broker = await startZeroMqProxy({ program: process.execPath });
  const proxy = addressesOf(broker);
  await using a = await openNode({ proxy, ...TIMES });
  await using b = await openNode({ proxy, ...TIMES });
  const nodes = [a, b];
  const statuses = async (...expected: string[]) => {
    for (const node of nodes) {
      await node.until(
        () => node.statuses.join() === expected.join(),
        `${expected.join()} instead of ${node.statuses}`,
      );
    }
  };
  for (const node of nodes) await node.adapter.subscribe("news");
  a.adapter.publish("news", "first");
  await b.got("news", "first");
  await broker.kill();
  await statuses("up", "down"); // at once, by the bare connection that breaks
  a.adapter.publish("news", "lost");
  await broker.start();
  await statuses("up", "down", "up");
  a.adapter.publish("news", "second");
  await b.got("news", "second");
  broker.pause();
  await statuses("up", "down", "up", "down");
  broker.resume();
  await statuses("up", "down", "up", "down", "up");
  a.adapter.publish("news", "third");
  await b.got("news", "third");
  assertEquals(b.on("news"), ["first", "second", "third"]);
  assertStringIncludes(a.words(), "Cannot publish a message to ZeroMQ at the proxy tcp://127.0.0.1:");
});

test("zeromq proxy: messages that it drops for a slow node are a gap of that channel", async () => {
  await using proxy = await createZeroMqProxy({
    front: "tcp://127.0.0.1:*",
    back: "tcp://127.0.0.1:*",
    highWaterMark: 20,
  });
  const { front, back } = proxy;
  // Nothing counts as silent for long: this process is too busy to answer. What a proxy drops of a subscribe is asked again soon.
  const times = { probeIntervalMs: 1_000, probeTimeoutMs: 20_000 };
  await using a = await openNode({ proxy: { front, back }, ...times });
  await using b = await openNode({ proxy: { front, back }, ...times });
  await b.adapter.subscribe("news");
  // Two channels by turns, so that each message is a batch of its own.
  for (let i = 0; i < 3_000; i++) {
    a.adapter.publish("news", `${i} ${"x".repeat(10_000)}`);
    a.adapter.publish("nobody", "wants it");
  }
  await b.until(() => b.on("news").length > 0, "some to come");
  await b.until(() => {
    a.adapter.publish("news", "and more");
    return b.gaps.some((channels) => channels?.includes("news"));
  }, "the gap to be noticed");
  assertEquals(new Set(b.gaps.flat()), new Set(["news"]));
  assertStringIncludes(b.words(), "the proxy has dropped messages");
  const numbers = b.on("news").map((text) => parseInt(text as string)).filter((n) => !Number.isNaN(n));
  assertEquals(numbers, numbers.toSorted((x, y) => x - y), "in order");
});

test("zeromq proxy: a channel whose name begins like another one's gets nothing of it", async () => {
  await using proxy = await createZeroMqProxy({ front: "tcp://127.0.0.1:*", back: "tcp://127.0.0.1:*" });
  const { front, back } = proxy;
  await using a = await openNode({ proxy: { front, back } });
  await using b = await openNode({ proxy: { front, back } });
  const names = ["r:a", "r:ab", "r:abc", "r", ""];
  for (const name of names) await b.adapter.subscribe(name);
  for (const name of names) a.adapter.publish(name, `for "${name}"`);
  for (const name of names) await b.got(name, `for "${name}"`);
  assertEquals(b.received.length, names.length);
});

test("zeromq proxy: a proxy whose address is taken does not start, and names the address", async () => {
  await using proxy = await createZeroMqProxy({ front: "tcp://127.0.0.1:*", back: "tcp://127.0.0.1:*" });
  const error = await assertRejects(
    () => createZeroMqProxy({ front: "tcp://127.0.0.1:*", back: proxy.back }),
    Error,
  );
  assertStringIncludes(error.message, proxy.back);
});

const COMMAND = fileURLToPath(new URL("../../../adapters/zeromq/proxy/command.ts", import.meta.url));

test("zeromq proxy: the command does not start without keys where some of them are given", async () => {
  const run = ["run", "--allow-all", "--no-check", "--quiet", COMMAND];
  const args = [...run, "--front", await freeAddress(), "--back", await freeAddress()];
  const outcome = (env: Record<string, string>, ...more: string[]) =>
    new Promise<{ code: unknown; words: string }>((resolve) => {
      execFile(
        process.execPath,
        [...args, ...more],
        { env: { ...process.env, ...env }, timeout: 20_000 },
        (error, out, err) => resolve({ code: error?.code, words: out + err }),
      );
    });
  const [some, none] = await Promise.all([
    outcome({ ZEROMQ_SECRET_KEY: "s".repeat(40), ZEROMQ_ALLOW: "a".repeat(40) }),
    outcome({ ZEROMQ_SECRET_KEY: "s".repeat(40) }, "--curve", "none"),
  ]);
  assertEquals([some.code, none.code], [1, 1], some.words + none.words);
  assertStringIncludes(some.words, "set both ZEROMQ_PUBLIC_KEY and ZEROMQ_SECRET_KEY");
  assertStringIncludes(none.words, "--curve none together with ZEROMQ_SECRET_KEY");
});

test("zeromq proxy: a mark that the library cannot count to is refused before it listens", async () => {
  const [front, back] = [await freeAddress(), await freeAddress()];
  const error = await assertRejects(
    () => createZeroMqProxy({ front, back, highWaterMark: 2 ** 31 }),
    RangeError,
  );
  assertStringIncludes(error.message, "highWaterMark");
});
