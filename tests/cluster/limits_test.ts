import { assertEquals } from "@std/assert";
import { waitFor } from "../harness.ts";
import { acquainted, testOnAdapters } from "../hub/cluster.ts";
import { rejection } from "../hub/wires.ts";

testOnAdapters(
  "a message over the adapter's limit is TOO_LARGE at the caller, and no part of it reaches any client",
  async (start) => {
    await using cluster = await start(1);
    const node = await cluster.add({ maxMessageBytes: 2_000 });
    await acquainted(cluster.nodes.map(({ hub }) => hub));
    const [a] = cluster.nodes;
    const heard: string[] = [];
    const near = await node.member("ann");
    const far = await a!.member("ann");
    for (const [name, client] of [["near", near], ["far", far]] as const) {
      client.on("dm", ({ text }) => heard.push(`${name} ${text.length}`));
      await client.subscribe("stats", () => {}).ready;
    }
    const text = "ü".repeat(1_500);
    for (
      const call of [
        () => node.hub.user("ann").emit("dm", { text }),
        () => node.hub.forRole("member").emit("dm", { text }),
        () => node.hub.room("r").broadcast("dm", { text }),
        () => node.hub.rooms(["r", "s"]).broadcast("dm", { text }),
        () => node.hub.connection(far.connectionId!).emit("dm", { text }),
      ]
    ) {
      const error = await rejection((async () => await call())());
      assertEquals([error.code, (error.data as { maxBytes: number }).maxBytes], ["TOO_LARGE", 2_000]);
    }
    // Small ones of one turn share messages of the backplane, each within the limit.
    for (let n = 0; n < 20; n++) node.hub.user("ann").emit("dm", { text: "ü".repeat(200) });
    await waitFor(() => heard.length === 40, { what: "the small ones" });
    const sizes = node.tap.published.map(({ data }) => new TextEncoder().encode(data as string).length);
    assertEquals(sizes.filter((size) => size > 2_000), []);
  },
);
