import { assertEquals } from "@std/assert";
import { test } from "../../harness.ts";
import { openHistory, PLENTY, startJetStream } from "./history_scene.ts";

test("history in NATS JetStream: nodes that start at once on an empty server remove nothing, and have one history", async () => {
  await using server = await startJetStream();
  for (let round = 0; round < 40; round++) {
    const options = { servers: server.url, prefix: `start-${round}` };
    // Each makes the stream, and reads in it while another one's call is being answered.
    const nodes = await Promise.all(Array.from({ length: 4 }, () => openHistory(options)));
    await using stack = new AsyncDisposableStack();
    for (const node of nodes) stack.use(node);
    const positions = await Promise.all(nodes.map(({ store }, i) => store.append("news", `${i}`, PLENTY)));
    assertEquals(new Set(positions.map(([epoch]) => epoch)).size, 1);
    assertEquals(positions.map(([, offset]) => offset).toSorted(), [1, 2, 3, 4]);
    assertEquals((await nodes[0]!.all("news")).toSorted(), ["0", "1", "2", "3"]);
  }
});
