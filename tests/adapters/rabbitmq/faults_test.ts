/**
 * What happens when a broker is taken away, runs out of memory or says no: on one of its own, as each takes seconds to start.
 *
 * @module
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "../../../tools/brokers/ports.ts";
import { startRabbitMq } from "../../../tools/brokers/rabbitmq.ts";
import { afterAll, test, waitFor } from "../../harness.ts";
import { CA, CERTIFICATE, KEY } from "../nats/certificates.ts";
import { createNode, openNode, type TestNode } from "./scene.ts";

const folder = mkdtempSync(join(tmpdir(), "trunkline-rabbitmq-"));
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
};
const tlsPort = await freePort();
const files = `{certfile, "${file("cert.pem", CERTIFICATE)}"}, {keyfile, "${file("key.pem", KEY)}"}, ` +
  `{cacertfile, "${file("ca.pem", CA)}"}`;
const broker = await startRabbitMq({
  config: [
    `{ssl_listeners, [{"127.0.0.1", ${tlsPort}}]}`,
    `{ssl_options, [${files}, {verify, verify_peer}, {fail_if_no_peer_cert, false}]}`,
  ],
});
afterAll(async () => {
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
});
const { url } = broker;
const PROBES = { probeIntervalMs: 500, probeTimeoutMs: 1_000, connectTimeoutMs: 2_000 };

/** Texts that came twice. */
function repeated({ received }: TestNode): string[] {
  const all = received.map(({ channel, data, from }) => `${channel} ${data} of ${from}`);
  return all.filter((text, i) => all.indexOf(text) !== i);
}

test("rabbitmq: TLS, by address and by name, and a certificate that nobody trusts is refused", async () => {
  for (const host of ["127.0.0.1", "localhost"]) {
    await using node = await openNode({ url: `amqps://${host}:${tlsPort}`, tls: { ca: CA } }, "news");
    assertEquals(node.statuses, ["up"]);
  }
  const secured = `amqps://guest:s3cret@127.0.0.1:${tlsPort}`;
  for (const tls of [undefined, { ca: CA, servername: "elsewhere.example" }]) {
    await using node = createNode({ url: secured, ...tls ? { tls } : {} });
    const error = await assertRejects(
      () => node.opening,
      Error,
      `Cannot connect to RabbitMQ at 127.0.0.1:${tlsPort}: `,
    );
    assert(/certificate|altname|cert/i.test(error.message), error.message);
    assert(!`${error.stack}${error.cause}`.includes("s3cret"));
  }
});

test("rabbitmq: a user needs rights on the names of its prefix alone; without them it is refused and told what to grant", async () => {
  const mine = "^trunkline\\.mine";
  await broker.ctl("add_vhost", "side");
  await broker.ctl("add_user", "alice", "wonder");
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
});

test("rabbitmq: while it takes no messages they wait, bounded and told; subscribing goes on, and they arrive later in order", async () => {
  const prefix = "blocked";
  await using a = await openNode({ url, prefix, ...PROBES, maxPendingBytes: 20_000 }, "early");
  await using b = await openNode({ url, prefix, ...PROBES }, "news");
  await broker.ctl("set_vm_memory_high_watermark", "absolute", "1");
  for (let i = 0; i < 30; i++) a.adapter.publish("news", `${i} ${"x".repeat(1_000)}`);
  const messages = () => a.errors.map(({ error }) => error.message).join("\n");
  await waitFor(() => messages().includes("takes no messages for now (low on memory)"), { what: "a report" });
  await waitFor(() => messages().includes("more than maxPendingBytes are without an answer"), {
    what: "the bound",
  });
  assert(a.errors.every(({ stage }) => stage === "publish"));
  const clock = performance.now();
  await b.adapter.subscribe("more");
  await using late = await openNode({ url, prefix, ...PROBES }, "news");
  // Longer than any probe waits: nobody takes it for dead.
  await waitFor(() => performance.now() - clock > 2_500, { what: "some probes" });
  assertEquals([a.statuses, b.statuses, late.statuses, b.received], [["up"], ["up"], ["up"], []]);
  await broker.ctl("set_vm_memory_high_watermark", "absolute", "4GiB");
  await waitFor(() => b.on("news").length > 10, { what: "what waited" });
  a.adapter.publish("more", "after");
  await b.got("more", "after");
  const numbers = b.on("news").map((text) => parseInt(String(text)));
  assertEquals(numbers, numbers.map((_, i) => i));
  assert(numbers.length < 25, `${numbers.length}`);
});

test("rabbitmq: an operator closes all connections: told, made anew, nothing twice", async () => {
  await using a = await openNode({ url, prefix: "closed", ...PROBES }, "news");
  await using b = await openNode({ url, prefix: "closed", ...PROBES }, "news");
  await broker.ctl("close_all_connections", "for maintenance");
  await Promise.all([a.is("down"), b.is("down")]);
  await Promise.all([a.is("up"), b.is("up")]);
  a.adapter.publish("news", "after");
  await b.got("news", "after");
  assert(a.errors[0]!.error.message.includes("for maintenance"), a.errors[0]!.error.message);
  assertEquals([...repeated(a), ...repeated(b)], []);
});

test("rabbitmq: a queue that is deleted is made again, with its bindings", async () => {
  await using a = await openNode({ url, prefix: "deleted", ...PROBES }, "news");
  const queues = await broker.ctl("list_queues", "name");
  await broker.ctl("delete_queue", /trunkline\.deleted\.inbox\S+/.exec(queues)![0]);
  await a.is("down");
  await a.is("up");
  await using b = await openNode({ url, prefix: "deleted" });
  b.adapter.publish("news", "after");
  await a.got("news", "after");
});

test("rabbitmq: a frozen broker is noticed by probe, and all is live again when it thaws", async () => {
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
});

test("rabbitmq: killed and started again: down and up, every subscription live, nothing twice, nothing late", async () => {
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
});
