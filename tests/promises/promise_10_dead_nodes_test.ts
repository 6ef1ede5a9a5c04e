import { assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { waitFor } from "../harness.ts";
import { acquainted, reachable, testOnAdapters } from "../hub/cluster.ts";
import { pass } from "../hub/passing.ts";
import { codeOf } from "../hub/wires.ts";

const TIMEOUT_MS = 30_000;
const HEARTBEAT_MS = 10_000;

testOnAdapters(
  "promise 10: a node that crashed and its connections are gone within the node timeout",
  async (start) => {
    const clock = new FakeClock();
    await using cluster = await start(3, { clock, heartbeatMs: 1e9 });
    const [a, b, c] = cluster.nodes;
    await a!.member("ann");
    await c!.member("cid");
    const users = async () => {
      const found = await b!.hub.cluster.connections();
      return found.connections.map(({ user }) => user).sort();
    };
    assertEquals(await users(), ["ann", "cid"]);
    c!.tap.cut();
    await pass(clock, TIMEOUT_MS / 2 + 1_000, [a!, b!]);
    assertEquals(b!.hub.cluster.nodes().find(({ id }) => id === c!.hub.nodeId)?.state, "suspect");
    await pass(clock, TIMEOUT_MS / 2, [a!, b!]);
    await acquainted([a!.hub, b!.hub]);
    assertEquals(await users(), ["ann"]);
    assertEquals(await b!.hub.cluster.count(), { count: 1, missing: [] });
    assertEquals(reachable(c!.hub), [c!.hub.nodeId]); // which thinks the same of the others
  },
);

testOnAdapters("promise 10: a graceful close is known at once", async (start) => {
  const clock = new FakeClock(); // which stands still
  await using cluster = await start(3, { clock });
  const [a, b, c] = cluster.nodes;
  await c!.member("cid");
  await c!.hub.close();
  await acquainted([a!.hub, b!.hub]);
  assertEquals((await a!.hub.cluster.connections()).connections, []);
});

testOnAdapters("promise 10: a split heals to the truth", async (start) => {
  const clock = new FakeClock();
  await using cluster = await start(3, { clock, heartbeatMs: 1e9 });
  const [a, b, c] = cluster.nodes;
  const cid = await c!.member("cid");
  c!.tap.cut();
  await pass(clock, TIMEOUT_MS + HEARTBEAT_MS, [a!, b!]);
  await acquainted([a!.hub, b!.hub]);
  await cid.close();
  const dora = await c!.member("dora");
  c!.tap.heal();
  await pass(clock, HEARTBEAT_MS, [a!, b!]);
  await acquainted([a!.hub, b!.hub, c!.hub]);
  const { connections, missing } = await a!.hub.cluster.connections();
  assertEquals([connections.map(({ id, user }) => [id, user]), missing], [
    [[dora.connectionId!, "dora"]],
    [],
  ]);
});

testOnAdapters(
  "promise 10: a question to a node that is found dead meanwhile ends at once",
  async (start) => {
    const clock = new FakeClock();
    const patient = { clock, heartbeatMs: 1e9, cluster: { requestTimeoutMs: 1e9 } };
    await using cluster = await start(3, patient);
    const [a, b, c] = cluster.nodes;
    const cid = await c!.member("cid");
    c!.tap.cut();
    const counting = a!.hub.cluster.count();
    const loading = a!.hub.requestServers("load", {});
    const asking = codeOf(() =>
      a!.hub.connection(cid.connectionId!).request("confirm", { question: "?" }, { timeoutMs: 1e9 })
    );
    await waitFor(() => a!.hub.stats().nodeRequests === 3, { what: "the questions" });
    const asked = () => b!.tap.delivered.map(({ data }) => data).join().split('"ask"').length - 1;
    await waitFor(() => asked() === 2, { what: "the other node to be asked, which has no answerer yet" });
    b!.hub.onServer("load", () => ({ conns: 0 }));
    await pass(clock, TIMEOUT_MS + HEARTBEAT_MS, [a!, b!]);
    assertEquals(await counting, { count: 0, missing: [{ node: c!.hub.nodeId, reason: "suspect" }] });
    assertEquals(
      (await loading).missing.map(({ node }) => node).toSorted(),
      [b!.hub.nodeId, c!.hub.nodeId].toSorted(),
    );
    assertEquals(await asking, "DISCONNECTED");
    assertEquals(a!.hub.stats().nodeRequests, 0);
  },
);
