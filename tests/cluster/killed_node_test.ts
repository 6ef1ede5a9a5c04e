import { assertEquals } from "@std/assert";
import { test, waitFor } from "../harness.ts";
import { ADAPTERS, brokerOf, reachable, startCluster } from "../hub/cluster.ts";
import { codeOf } from "../hub/wires.ts";
import { inProcess, inWorker } from "./doomed.ts";
import type { Place, Ready, Word } from "./doomed_node.ts";

const PROGRAM = new URL("./doomed_process.ts", import.meta.url);
const WORKER = new URL("./doomed_worker.ts", import.meta.url);

for (const adapter of Object.keys(ADAPTERS)) {
  if (adapter === "memory") continue; // its nodes live and die together
  if (adapter === "node-cluster") continue; // all know at once; see tests/adapters/node_cluster/workers_test.ts
  test(
    `cluster: a node that is killed in mid-query is missing, and its connections are gone [${adapter}]`,
    async () => {
      const { url, create } = brokerOf(adapter);
      const prefix = crypto.randomUUID();
      await using cluster = await startCluster(() => create(prefix), 2, {
        cluster: { heartbeatMs: 500, nodeTimeoutMs: 3_000, requestTimeoutMs: 60_000 },
      });
      const [a, b] = cluster.nodes;
      b!.hub.onServer("load", () => ({ conns: 0 }));
      const place: Place = { adapter, url, prefix };
      const doomed = url ? inProcess<Word>(PROGRAM, place) : inWorker<Word>(WORKER, place);
      try {
        const ready = () => doomed.words.find((word): word is Ready => "nodeId" in word);
        const { nodeId, connection } = await waitFor(ready, { timeoutMs: 30_000, what: "the node" });
        await waitFor(() => reachable(b!.hub).length === 3, {
          what: "the node to be known",
          timeoutMs: 10_000,
        });
        assertEquals(await a!.hub.cluster.count({ user: "cid" }), { count: 1, missing: [] });

        const left: string[] = [];
        a!.hub.cluster.on("leave", ({ id, reason }) => left.push(`${id} ${reason}`));
        const gathering = a!.hub.requestServers("load", {});
        const asking = codeOf(() =>
          a!.hub.connection(connection).request("confirm", { question: "?" }, { timeoutMs: 60_000 })
        );
        await waitFor(() => doomed.words.filter((word) => "asked" in word).length === 2, {
          what: "the questions",
        });
        await doomed.kill();
        const counting = a!.hub.cluster.count();

        const { answers, missing } = await gathering;
        assertEquals([[...answers.keys()], missing], [[b!.hub.nodeId], [{
          node: nodeId,
          reason: "suspect",
        }]]);
        assertEquals(await asking, "DISCONNECTED");
        assertEquals(await counting, { count: 0, missing: [{ node: nodeId, reason: "suspect" }] });
        assertEquals(left, [`${nodeId} silence`]);
        assertEquals(await a!.hub.cluster.count(), { count: 0, missing: [] });
        assertEquals(a!.hub.stats().nodeRequests, 0);
      } finally {
        await doomed.kill();
      }
    },
    { timeoutMs: 60_000 },
  );
}
