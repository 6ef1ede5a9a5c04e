/** A node that is killed while prices run, and what becomes of its clients and of what it published. */
import { assert, assertEquals } from "@std/assert";
import { inProcess } from "../../cluster/doomed.ts";
import { test, waitFor } from "../../harness.ts";
import type { Word } from "./doomed_process.ts";
import { run } from "./market.ts";
import { nameOf, openPlaces } from "./places.ts";
import { Cluster, PATIENCE } from "./scene.ts";

const PROGRAM = new URL("./doomed_process.ts", import.meta.url);
const TITLE =
  "promise 4: a client of a node that is killed while it publishes has no hole on another node, and all that was kept";

for (const createPlace of await openPlaces()) {
  const place = createPlace();
  if (place.store === "memory") {
    test.skip(
      `${TITLE} [memory]`,
      "its nodes live and die together; see faults_test.ts for a process that ends",
    );
    continue;
  }

  test(`${TITLE} [${nameOf(place)}]`, async () => {
    await using cluster = await Cluster.start(place, 1);
    const { nodes: [a] } = cluster;
    const doomed = inProcess<Word>(PROGRAM, place);
    try {
      const { port } = await waitFor(() => doomed.words.find((word) => "port" in word), {
        what: "the node",
        ...PATIENCE,
      });
      const urls = [port, a!.port].map((port) => `ws://127.0.0.1:${port}/`);
      const moves = await cluster.follow(urls, "price/x");
      assert(moves.client.nodeId !== a!.hub.nodeId);
      const stays = await cluster.follow(a!, "price/x");
      const prices = run(a!.hub, "price/x", "a");
      await waitFor(() => [moves, stays].every(({ heard }) => heard.some(({ from }) => from === "doomed")), {
        what: "prices of the node",
        ...PATIENCE,
      });
      await waitFor(() => moves.heard.some(({ from }) => from === "a"), {
        what: "other prices",
        ...PATIENCE,
      });
      await doomed.kill();
      await moves.back(1);
      assertEquals(moves.client.nodeId, a!.hub.nodeId);
      await waitFor(() => !moves.heard.at(-1)!.meta.recovered, { what: "live prices", ...PATIENCE });
      await prices.stop();
      for (const follower of [moves, stays]) await follower.heardAll(a!, follower.heard[0]!.meta.offset);
      assertEquals([moves.recoveries, stays.recoveries], [[true], []]);
      for (const word of doomed.words) {
        if (!("kept" in word)) continue;
        const { records } = await a!.hub.history("price/x", {
          since: { epoch: word.at.epoch, offset: word.at.offset - 1 },
          limit: 1,
        });
        assertEquals(records.map(({ payload }) => payload), [{ from: "doomed", n: word.kept }]);
      }
    } finally {
      await doomed.kill();
    }
  }, { timeoutMs: 90_000 });
}
