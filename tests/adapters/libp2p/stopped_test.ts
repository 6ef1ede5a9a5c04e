import { assert, assertEquals, assertRejects } from "@std/assert";
import { test } from "../../harness.ts";
import { createNode, openNode, startBareNode } from "./scene.ts";

/** What the user's node leaves. */
const leaves = "a lock and short timers of libp2p";

for (const isAlone of [false, true]) {
  const where = isAlone ? "alone" : "with others";
  test(
    `libp2p: a node that its user stops before the adapter (${where}) is reported, ends nothing else, and the adapter closes`,
    async () => {
      const bare = await startBareNode();
      await using a = await openNode({ node: bare.node }, "news");
      const bootstrap = bare.node.getMultiaddrs().map(String);
      await using other = isAlone ? undefined : await openNode({ discovery: { bootstrap } }, "news");
      if (other) {
        other.adapter.publish("news", "hello");
        await a.got("news", "hello");
      }
      await bare[Symbol.asyncDispose]();
      await a.is("down");
      assert(a.words().includes("The libp2p node was stopped: close the hub first"), a.words());
      a.adapter.publish("news", "to nobody");
      await assertRejects(() => a.adapter.subscribe("late"), Error, "was stopped");
      await a.adapter.unsubscribe("news");
      await a.adapter.close();
      assertEquals(a.statuses, ["up", "down"]);
      if (!other) return;
      await other.adapter.subscribe("more");
      await other.adapter.unsubscribe("news");
    },
    { leaves },
  );
}

test("libp2p: a node that its user stops while the adapter unsubscribes or closes ends nothing", async () => {
  for (const end of ["unsubscribe", "close"] as const) {
    const bare = await startBareNode();
    await using node = createNode({ node: bare.node });
    await node.opening;
    await node.adapter.subscribe("news");
    const stopping = bare[Symbol.asyncDispose]();
    if (end === "unsubscribe") await node.adapter.unsubscribe("news");
    await node.adapter.close();
    await stopping;
  }
}, { leaves });
