import { assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";
import { createNode, createNodes } from "./chat.ts";
import { empty } from "./cluster.ts";
import { network, rawClient, turn } from "./wires.ts";

test("a drain is over when the last client has long gone, and is open elsewhere", async () => {
  const clock = new FakeClock();
  await using cluster = await createNodes(2, { clock, cluster: { joinTimeoutMs: 0 } });
  const [a, b] = cluster.nodes;
  const transport = network({ "ws://a/": a!.loopback.client(), "ws://b/": b!.loopback.client() });
  const moments = [0, 0.5, 0.999_999]; // the first, and about the last
  const clients = await Promise.all(
    moments.map((moment) =>
      a!.member("ann", { url: ["ws://a/", "ws://b/"], transport, clock, random: () => moment })
    ),
  );
  clock.advance(5_000); // a client that has just connected waits before it reconnects
  const closing = a!.hub.close({ drainMs: 5_000 });
  await turn();
  for (const [i, ms] of [0, 2_000, 2_000].entries()) {
    clock.advance(ms);
    await waitFor(() => a!.hub.stats().connections === 2 - i, { what: "one of them to leave" });
    clock.advance(0);
    await waitFor(() => b!.hub.stats().connections === i + 1, { what: "it to come" });
  }
  await closing; // a second before its time
  assertEquals(clients.map(({ status }) => status), ["open", "open", "open"]);
  assertEquals(clock.now(), 9_000);
});

test("a client that did not move in time is closed, and comes back at once", async () => {
  const clock = new FakeClock(), late = new FakeClock(); // its timers do not fire
  await using cluster = await createNodes(2, { clock, cluster: { joinTimeoutMs: 0 } });
  const [a, b] = cluster.nodes;
  const transport = network({ "ws://a/": a!.loopback.client(), "ws://b/": b!.loopback.client() });
  const waits: number[] = [];
  const client = await a!.member("ann", { url: ["ws://a/", "ws://b/"], transport, clock: late });
  client.onStatus((_, { retryInMs }) => retryInMs !== undefined && waits.push(retryInMs));
  late.advance(5_000); // a client that has just connected waits before it reconnects
  const closing = a!.hub.close({ drainMs: 5_000 });
  await turn();
  clock.advance(5_000);
  await waitFor(() => client.status === "reconnecting", { what: "the close" });
  assertEquals(waits, [0]);
  late.advance(0);
  await waitFor(() => b!.hub.stats().connections === 1, { what: "it to come" });
  await closing;
});

test("a client that is coming in when a drain begins is told to move, too", async () => {
  const clock = new FakeClock();
  let knocked = false;
  const { promise: known, resolve: know } = Promise.withResolvers<void>();
  await using node = await createNode(undefined, {
    clock,
    async authenticate({ role }) {
      knocked = true;
      await known;
      return { role };
    },
  });
  const coming = rawClient(node.loopback.client());
  await waitFor(() => knocked, { what: "it to knock" });
  const closing = node.hub.close({ drainMs: 10_000 });
  clock.advance(3_000);
  know();
  const client = await coming;
  await waitFor(() => client.heard.length === 2, { what: "both messages" });
  assertEquals([client.heard[0]![0], client.heard[1]], ["welcome", ["move", 5_000]]);
  client.leave();
  await closing;
  await empty(node);
});
