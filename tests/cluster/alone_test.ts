import { assertEquals } from "@std/assert";
import { FakeClock } from "../fake_clock.ts";
import { testOnAdapters } from "../hub/cluster.ts";
import { turn } from "../hub/wires.ts";

testOnAdapters(
  "cluster: a single node asks no other node: there is no backplane round trip at all",
  async (start) => {
    const clock = new FakeClock(); // a wait for an answer would never end
    await using cluster = await start(1, { clock });
    const [a] = cluster.nodes;
    const ann = await a!.member("ann");
    ann.implement({ confirm: () => true });
    const before = a!.tap.published.length;
    assertEquals((await a!.hub.cluster.connections({ user: "ann" })).connections.length, 1);
    assertEquals(await a!.hub.cluster.count(), { count: 1, missing: [] });
    assertEquals(await a!.hub.cluster.exists({ user: "ann" }), { exists: true, missing: [] });
    assertEquals(await a!.hub.cluster.exists({ user: "bob" }), { exists: false, missing: [] });
    assertEquals(a!.hub.cluster.estimate(), 1);
    assertEquals(a!.hub.cluster.leader().self, true);
    assertEquals((await a!.hub.cluster.join({ user: "ann" }, "room")).count, 1);
    assertEquals((await a!.hub.room("room").members()).connections.length, 1);
    assertEquals((await a!.hub.cluster.leave({ user: "ann" }, "room")).count, 1);
    assertEquals((await a!.hub.requestServers("load", {})).answers.size, 0);
    assertEquals(await a!.hub.connection(ann.connectionId!).request("confirm", { question: "?" }), true);
    a!.hub.connection(ann.connectionId!).emit("dm", { text: "" });
    assertEquals((await a!.hub.cluster.disconnect({ user: "ann" })).count, 1);
    await turn();
    assertEquals(a!.tap.published.slice(before), []);
  },
);
