import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import { acquainted, testOnAdapters } from "../hub/cluster.ts";

const PATIENT = { heartbeatMs: 1e9, cluster: { heartbeatMs: 1_000, requestTimeoutMs: 60_000 } };

testOnAdapters(
  "cluster: no query waits for a node whose process has ended, and a node that is alive after all comes back",
  async (start) => {
    await using cluster = await start(3, PATIENT);
    const [a, b, c] = cluster.nodes;
    const told: string[] = [];
    a!.hub.cluster.on("state", ({ state }) => told.push(`is ${state}`));
    a!.hub.cluster.on("leave", ({ id, reason }) => told.push(`${id} leaves by ${reason}`));
    a!.hub.cluster.on("join", ({ id }) => told.push(`${id} joins`));
    let asked = 0;
    b!.hub.onServer("load", () => ({ conns: ++asked }));
    c!.tap.cut();
    const gathering = a!.hub.requestServers("load", {});
    await waitFor(() => asked === 1, { what: "the question" });
    a!.tap.gone(c!.hub.nodeId);
    a!.tap.gone(c!.hub.nodeId); // known already
    a!.tap.gone("a stranger");
    const { answers, missing } = await gathering;
    assertEquals([[...answers.keys()], missing], [[b!.hub.nodeId], [{
      node: c!.hub.nodeId,
      reason: "left",
    }]]);
    assertEquals(told, ["is down", `${c!.hub.nodeId} leaves by ended`]);
    assertEquals(a!.hub.cluster.nodes().at(-1)!.state, "down");
    c!.tap.heal();
    await waitFor(() => told.length === 3, { what: "the node to be back" });
    assertEquals(told[2], `${c!.hub.nodeId} joins`);
    await acquainted(cluster.nodes.map(({ hub }) => hub));
  },
);
