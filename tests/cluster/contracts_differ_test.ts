import { assert, assertEquals } from "@std/assert";
import { createMemoryHistory, type Recovery } from "@trunkline/hub";
import { waitFor } from "../harness.ts";
import { testOnAdapters } from "../hub/cluster.ts";

testOnAdapters(
  "contracts that differ: a message of a topic that keeps a history on one node only is reported, and is a gap",
  async (start) => {
    await using cluster = await start(1);
    const [node] = cluster.nodes;
    const client = await node!.member();
    const heard: unknown[] = [];
    const recoveries: Recovery[] = [];
    const onRecovery = (recovery: Recovery) => recoveries.push(recovery);
    await client.subscribe("log/x", ({ n }) => heard.push(n), { onRecovery }).ready;
    await client.subscribe("stats", ({ n }) => heard.push(n)).ready;
    const before = await node!.hub.position("log/x");
    const said = (channel: string, message: unknown) => {
      node!.tap.inject(channel, JSON.stringify([message]));
      return node!.errors.splice(0).map(({ error, info }) =>
        [info.stage, info.channel, String(error)].join(" ")
      );
    };

    const plain = said("topic:log/x", ["pub", { n: 1 }]);
    const kept = said("topic:stats", ["own", "run", 1, { n: 1 }]);
    const stored = said("topic:log/x", ["rec", "epoch", 1, { n: 1 }]);
    assertEquals([plain.length, kept.length, stored.length], [1, 1, 1]);
    assert(plain[0]!.startsWith("delivery topic:log/x") && plain[0]!.includes("same contract"), plain[0]);
    assert(kept[0]!.startsWith("delivery topic:stats") && kept[0]!.includes("same contract"), kept[0]);
    assert(stored[0]!.startsWith("delivery topic:log/x") && stored[0]!.includes("same history"), stored[0]);

    await waitFor(() => recoveries.length === 1, { what: "the gap to be told" });
    assertEquals(recoveries[0]!.recovered, false);
    assert((await node!.hub.position("log/x")).epoch !== before.epoch);
    node!.hub.publish("stats", { n: 2 });
    await waitFor(() => heard.length > 0, { what: "the good one" });
    assertEquals(heard, [2]);
  },
);

testOnAdapters(
  "contracts that differ: with a shared store a message that is not in it is reported",
  async (start) => {
    await using cluster = await start(1, { history: createMemoryHistory() });
    const [node] = cluster.nodes;
    const client = await node!.member();
    const heard: unknown[] = [];
    await client.subscribe("log/x", ({ n }) => heard.push(n)).ready;
    await client.subscribe("stats", ({ n }) => heard.push(n)).ready;
    node!.tap.inject("topic:log/x", JSON.stringify([["pub", { n: 1 }]]));
    node!.tap.inject("topic:stats", JSON.stringify([["rec", "epoch", 1, { n: 1 }]]));
    assertEquals(
      node!.errors.map(({ error, info }) => [info.channel, String(error).includes("same contract")]),
      [["topic:log/x", true], ["topic:stats", true]],
    );
    node!.hub.publish("stats", { n: 2 });
    await waitFor(() => heard.length > 0, { what: "the good one" });
    assertEquals(heard, [2]);
  },
);
