import { assert, assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { waitFor } from "../harness.ts";
import { acquainted, empty, testOnAdapters } from "../hub/cluster.ts";
import { pass } from "../hub/passing.ts";
import { codeOf, rejection } from "../hub/wires.ts";

testOnAdapters(
  "cluster: queries return partial results with missing, and leave no pending entry behind",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(3, { clock, heartbeatMs: 1e9 });
    const [a, b, c] = cluster.nodes;
    for (const node of cluster.nodes) await node.member("ann");
    c!.tap.cut();
    const queries = [
      a!.hub.cluster.count(),
      a!.hub.cluster.connections({ user: "ann" }).then((found) => ({
        ...found,
        count: found.connections.length,
      })),
      a!.hub.cluster.join({ role: "member" }, "lobby"),
    ];
    const answers = () =>
      a!.tap.delivered.filter(({ from }) => from === b!.hub.nodeId).map(({ data }) => data).join()
        .split('"ans"').length - 1;
    await waitFor(() => answers() === queries.length, { what: "the answers of the node that is there" });
    const before = a!.hub.stats().nodeRequests;
    clock.advance(5_000);
    const outcomes = await Promise.all(queries);
    assertEquals(outcomes.map(({ count }) => count), [2, 2, 2]);
    for (const { missing: [silent, ...others] } of outcomes) {
      assertEquals([silent!.node, others], [c!.hub.nodeId, []]);
      assert(["timeout", "suspect"].includes(silent!.reason)); // suspect once one of them has timed out
    }
    assertEquals([before, a!.hub.stats().nodeRequests], [3, 0]);
    assertEquals((await b!.hub.cluster.exists({ room: "lobby" })).exists, true);
    c!.tap.heal();
  },
);

testOnAdapters(
  "cluster: queries fail fast when a node leaves meanwhile, or the asker gives up",
  async (start) => {
    await using cluster = await start(3, { cluster: { requestTimeoutMs: 60_000 } });
    const [a, b, c] = cluster.nodes;
    b!.hub.onServer("load", () => ({ conns: 1 }));
    c!.hub.onServer("load", () => new Promise<never>(() => {}));
    const gathering = a!.hub.requestServers("load", {});
    const aborter = new AbortController();
    const aborted = a!.hub.requestServers("load", {}, { signal: aborter.signal });
    await waitFor(() => a!.hub.stats().nodeRequests === 2, { what: "both questions" });
    aborter.abort(new Error("enough"));
    assertEquals((await rejection(aborted) as Error).message, "enough");
    await c!.hub.close();
    const { answers, missing } = await gathering;
    assertEquals([[...answers.keys()], missing], [[b!.hub.nodeId], [{
      node: c!.hub.nodeId,
      reason: "left",
    }]]);
    await empty(...cluster.nodes);
  },
);

testOnAdapters(
  "cluster: an order that is given up before it begins is carried out nowhere",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const people = [await a!.member("ann"), await b!.member("ann")];
    const signal = AbortSignal.abort(new Error("enough"));
    for (
      const order of [
        () => a!.hub.cluster.disconnect({ all: true }, { signal }),
        () => a!.hub.cluster.join({ all: true }, "room", { signal }),
        () => a!.hub.cluster.count({}, { signal }),
        () => a!.hub.cluster.exists({}, { signal }),
      ]
    ) assertEquals(await codeOf(order), "not a HubError: Error: enough");
    assertEquals(await a!.hub.cluster.count({ room: "room" }), { count: 0, missing: [] });
    assertEquals(people.map(({ status }) => status), ["open", "open"]);
  },
);

testOnAdapters(
  "cluster: nodes that are suspect are waited for only for the fast timeout",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(3, { clock, heartbeatMs: 1e9, cluster: { requestTimeoutMs: 20_000 } });
    const [a, b, c] = cluster.nodes;
    c!.tap.cut();
    const count = async () => {
      const heard = a!.tap.delivered.length;
      const asked = a!.hub.cluster.count();
      const answered = () => a!.tap.delivered.slice(heard).some(({ data }) => String(data).includes('"ans"'));
      await waitFor(answered, { what: "the answer of the node that is there" });
      let done = false;
      void asked.then(() => done = true);
      let passed = 0;
      for (; !done; passed += 1_000) {
        assert(passed <= 30_000);
        await pass(clock, 1_000, [a!, b!]);
      }
      assertEquals(await asked, { count: 0, missing: [{ node: c!.hub.nodeId, reason: "suspect" }] });
      return passed;
    };
    const full = await count(); // it becomes suspect after 15 seconds, in the midst of this
    assert(full >= 15_000 && full < 17_000, `${full}`);
    assertEquals(await count(), 1_000); // it is suspect from the start
    assertEquals(a!.hub.stats().nodeRequests, 0);
  },
);

testOnAdapters("cluster: while the backplane is away questions take the fast timeout", async (start) => {
  const clock = new FakeClock();
  await using cluster = await start(2, { clock });
  const [a, b] = cluster.nodes;
  await a!.member("ann");
  a!.tap.lose();
  const asked = a!.hub.cluster.count();
  clock.advance(1_000);
  assertEquals(await asked, { count: 1, missing: [{ node: b!.hub.nodeId, reason: "unreachable" }] });
});

testOnAdapters(
  "cluster: the first yes ends an existence check; a no is complete, or names the missing nodes",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(4, { clock, heartbeatMs: 1e9 });
    const [a, b, c, d] = cluster.nodes;
    const ann = await b!.member("ann");
    await c!.hub.room("lobby").add({ id: (await c!.member("cid")).connectionId! });
    assertEquals(await a!.hub.cluster.exists({ user: "ann" }), { exists: true, missing: [] });
    assertEquals(await a!.hub.cluster.exists({ user: "nobody" }), { exists: false, missing: [] });
    assertEquals(await a!.hub.cluster.exists(), { exists: true, missing: [] });
    d!.tap.cut();
    // Nobody waits for the one that is silent: this clock stands still.
    assertEquals(await a!.hub.cluster.exists({ room: "lobby" }), { exists: true, missing: [] });
    assertEquals(await a!.hub.cluster.exists({ id: ann.connectionId! }), { exists: true, missing: [] });
    assertEquals(await a!.hub.cluster.exists({ id: `${b!.hub.nodeId}.none` }), {
      exists: false,
      missing: [],
    });
    const before = b!.tap.published.length;
    assertEquals(await b!.hub.cluster.exists({ user: "ann" }), { exists: true, missing: [] }); // asks no other node
    assertEquals(b!.tap.published.slice(before), []);
    const asked = a!.hub.cluster.exists({ user: "dora" });
    const number = () =>
      a!.tap.published.map(({ data }) => /"ask",(\d+).*dora/.exec(String(data))?.[1]).find(Boolean);
    const answer = await waitFor(number, { what: "the question" }).then((id) => `["ans",${id},false]`);
    await waitFor(
      () => a!.tap.delivered.filter(({ data }) => String(data).includes(answer)).length === 2,
      { what: "two answers" },
    );
    clock.advance(5_000);
    assertEquals(await asked, { exists: false, missing: [{ node: d!.hub.nodeId, reason: "timeout" }] });
    assertEquals(a!.hub.stats().nodeRequests, 0);
    d!.tap.heal();
  },
);

testOnAdapters("cluster: a question about one connection goes to its node alone", async (start) => {
  await using cluster = await start(3);
  const [a, b, c] = cluster.nodes;
  await acquainted(cluster.nodes.map(({ hub }) => hub));
  const id = (await b!.member("ann")).connectionId!;
  assertEquals((await a!.hub.cluster.connections({ id })).connections.map(({ nodeId }) => nodeId), [
    b!.hub.nodeId,
  ]);
  assertEquals(await a!.hub.cluster.join({ id }, "lobby"), { count: 1, missing: [] });
  assertEquals(await a!.hub.cluster.join({ id }, "lobby"), { count: 1, missing: [] });
  assertEquals(await a!.hub.cluster.leave({ id }, "lobby"), { count: 1, missing: [] });
  assertEquals(await a!.hub.cluster.leave({ id }, "lobby"), { count: 0, missing: [] });
  assertEquals(await a!.hub.cluster.disconnect({ id }), { count: 1, missing: [] });
  await waitFor(async () => (await a!.hub.cluster.count({ id })).count === 0, { what: "it to be gone" });
  assertEquals(await a!.hub.cluster.count({ id: "nobody.1" }), { count: 0, missing: [] });
  assertEquals(c!.tap.delivered.filter(({ data }) => String(data).includes('"ask"')), []);
});

testOnAdapters(
  "cluster: a request to a client of another node that is given up is taken back there",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const ann = await b!.member("ann");
    ann.implement({ confirm: () => new Promise(() => {}) });
    const aborter = new AbortController();
    const asked = codeOf(() =>
      a!.hub.connection(ann.connectionId!).request("confirm", { question: "?" }, { signal: aborter.signal })
    );
    await waitFor(() => b!.hub.stats().asking === 1, { what: "the question to arrive" });
    aborter.abort(new Error("enough"));
    assertEquals(await asked, "not a HubError: Error: enough");
    await waitFor(() => b!.hub.stats().asking === 0, { what: "the question to be taken back" });
    await ann.close();
    await empty(a!, b!);
    assertEquals([...a!.errors, ...b!.errors], []);
  },
);

testOnAdapters("cluster: a hub that closes ends its own questions with the answers so far", async (start) => {
  await using cluster = await start(3, { cluster: { requestTimeoutMs: 60_000 } });
  const [a, b, c] = cluster.nodes;
  b!.hub.onServer("load", () => ({ conns: 1 }));
  c!.hub.onServer("load", () => new Promise<never>(() => {}));
  const before = a!.tap.delivered.length;
  const gathering = a!.hub.requestServers("load", {});
  await waitFor(
    () => a!.tap.delivered.slice(before).some(({ data }) => String(data).includes('"conns":1')),
    { what: "an answer" },
  );
  await a!.hub.close();
  const { answers, missing } = await gathering;
  assertEquals([answers.size + missing.length, missing.find(({ node }) => node === c!.hub.nodeId)?.reason], [
    2,
    "closed",
  ]);
  await empty(...cluster.nodes);
});
