import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import { testOnAdapters } from "../hub/cluster.ts";
import { rejection } from "../hub/wires.ts";

testOnAdapters(
  "own part: an order waits for this node no longer than for the others, and lists it as missing",
  async (start) => {
    for (const count of [1, 2]) {
      await using cluster = await start(count, { backplaneTimeoutMs: 60_000 });
      const [{ hub, tap, member }] = cluster.nodes as [typeof cluster.nodes[number]];
      await member("ann");
      const { promise: goOn, resolve } = Promise.withResolvers<void>();
      tap.beforeSubscribe = (channel) => channel === "room:late" ? goOn : undefined;
      assertEquals(await hub.cluster.join({ user: "ann" }, "late", { timeoutMs: 300 }), {
        count: 0,
        missing: [{ node: hub.nodeId, reason: "timeout" }],
      });
      const aborter = new AbortController();
      const joining = rejection(hub.cluster.join({ user: "ann" }, "late", { signal: aborter.signal }));
      aborter.abort(new TypeError("Enough"));
      assertEquals(String(await joining), "TypeError: Enough");
      const third = hub.cluster.join({ user: "ann" }, "late");
      resolve();
      assertEquals(await third, { count: 1, missing: [] });
      await waitFor(() => hub.stats().nodeRequests === 0, { what: "nothing to be under way" });
    }
  },
);
