import { assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { waitFor } from "../harness.ts";
import { acquainted, type TappedNode, testOnAdapters } from "../hub/cluster.ts";

const PATIENT = {
  heartbeatMs: 1e9,
  cluster: { heartbeatMs: 10_000, requestTimeoutMs: 5_000, fastTimeoutMs: 1_000 },
};

/** How many answers have come to a node. */
const answersTo = ({ tap }: TappedNode) =>
  tap.delivered.map(({ data }) => data).join().split('"ans"').length - 1;

testOnAdapters(
  "cluster: a query does not wait again for a node that did not answer, until a message of it arrives",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(4, { clock, ...PATIENT });
    const [a, b, c, d] = cluster.nodes;
    await acquainted(cluster.nodes.map(({ hub }) => hub));
    // Their earlier messages have arrived on all channels.
    for (const { hub } of [c!, d!]) hub.emitServer("invalidate", { key: "before" });
    await waitFor(
      () => a!.tap.delivered.filter(({ data }) => String(data).includes("before")).length === 2,
      { what: "what they said" },
    );
    assertEquals(await a!.hub.cluster.count(), { count: 0, missing: [] });
    for (const dead of [c!, d!]) dead.tap.cut();
    const missing = (reason: "timeout" | "suspect") =>
      [c!, d!].map(({ hub: { nodeId: node } }) => ({ node, reason })).sort((x, y) =>
        x.node < y.node ? -1 : 1
      );
    const sorted = async (asked: ReturnType<typeof a.hub.cluster.count>) =>
      (await asked).missing.toSorted((x, y) => x.node < y.node ? -1 : 1);

    const before = answersTo(a!);
    const first = a!.hub.cluster.count();
    const second = a!.hub.cluster.exists({ user: "nobody" });
    await waitFor(() => answersTo(a!) === before + 2, { what: "the answers" });
    clock.advance(4_999);
    assertEquals(a!.hub.stats().nodeRequests, 2); // each may be slow
    clock.advance(1);
    assertEquals(await sorted(first), missing("timeout"));
    assertEquals((await second).missing.length, 2);

    // From now on this clock stands still: the query does not wait for the two, but has the answer of the third.
    await b!.member("ann");
    const third = await a!.hub.cluster.count();
    assertEquals([third.count, third.missing.length], [1, 2]);
    assertEquals(await sorted(a!.hub.cluster.count({ role: "member" })), missing("suspect"));
    assertEquals((await a!.hub.requestServers("load", {})).missing.length, 3); // the third answers that it has no answerer
    assertEquals(
      (await a!.hub.cluster.exists({ id: `${c!.hub.nodeId}.1` })).missing.map(({ reason }) => reason),
      [
        "suspect",
      ],
    );
    assertEquals(a!.hub.stats().nodeRequests, 0);

    // One of them is heard of again, and is waited for as ever.
    c!.tap.heal();
    c!.hub.publish("stats", { n: 1 });
    c!.hub.emitServer("invalidate", { key: "again" });
    await waitFor(
      () =>
        a!.tap.delivered.some(({ data, from }) => from === c!.hub.nodeId && String(data).includes("again")),
      { what: "a sign of life" },
    );
    assertEquals(await a!.hub.cluster.count(), {
      count: 1,
      missing: [{ node: d!.hub.nodeId, reason: "suspect" }],
    });
  },
);

testOnAdapters(
  "cluster: a query waits in full for a node that did not answer but has sent messages since",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(2, { clock, ...PATIENT });
    const [a, b] = cluster.nodes;
    b!.hub.onServer("load", () => new Promise<never>(() => {})); // it is busy, and well
    for (let n = 0; n < 2; n++) {
      const asked = a!.hub.requestServers("load", {});
      await waitFor(() => b!.hub.stats().answering === n + 1 || n > 0, { what: "the question" });
      const before = a!.tap.delivered.length;
      b!.hub.emitServer("invalidate", { key: "k" });
      await waitFor(() => a!.tap.delivered.length > before, { what: "a sign of life" });
      clock.advance(4_999);
      assertEquals(a!.hub.stats().nodeRequests, 1);
      clock.advance(1);
      assertEquals((await asked).missing, [{ node: b!.hub.nodeId, reason: "timeout" }]);
    }
  },
);

testOnAdapters(
  "cluster: a silent node still gets questions, and its answer shows that it is well",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(2, { clock, ...PATIENT });
    const [a, b] = cluster.nodes;
    const ann = await b!.member("ann");
    b!.tap.cut();
    const lost = a!.hub.cluster.count();
    clock.advance(5_000);
    assertEquals((await lost).missing, [{ node: b!.hub.nodeId, reason: "timeout" }]);
    b!.tap.heal();
    assertEquals(await a!.hub.cluster.join({ user: "ann" }, "lobby"), {
      count: 0,
      missing: [{ node: b!.hub.nodeId, reason: "suspect" }],
    });
    await waitFor(async () => (await a!.hub.cluster.count({ room: "lobby" })).count === 1, {
      what: "it to answer",
    });
    assertEquals(ann.status, "open");
  },
);
