/** A node that is killed while prices run, and what becomes of its clients and of what it published. */
import { assert, assertEquals } from "@std/assert";
import { inProcess } from "../../cluster/doomed.ts";
import { test, waitFor } from "../../harness.ts";
import type { Word } from "./doomed_process.ts";
import { PLACES, read, run } from "./market.ts";
import { nameOf, openPlaces } from "./places.ts";
import { Cluster, PATIENCE } from "./scene.ts";

const PROGRAM = new URL("./doomed_process.ts", import.meta.url);
const TITLE =
  "promise 4: clients of a node that is killed while it publishes get all stored messages on another node, without a hole, on topics and in rooms";

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
      const moving = await Promise.all(PLACES.map((where) => cluster.follow(urls, where)));
      for (const { client } of moving) assert(client.nodeId !== a!.hub.nodeId);
      const staying = await Promise.all(PLACES.map((where) => cluster.follow(a!, where)));
      const prices = PLACES.map((where) => run(a!.hub, where, "a"));
      const hear = (who: string) =>
        waitFor(() => [...moving, ...staying].every(({ heard }) => heard.some(({ from }) => from === who)), {
          what: `what ${who} publishes`,
          ...PATIENCE,
        });
      await hear("doomed");
      await hear("a");
      await doomed.kill();
      for (const moves of moving) {
        await moves.back(1);
        assertEquals(moves.client.nodeId, a!.hub.nodeId);
        await waitFor(() => !moves.heard.at(-1)!.meta.recovered, { what: "live prices", ...PATIENCE });
      }
      for (const running of prices) await running.stop();
      for (const follower of [...moving, ...staying]) {
        await follower.heardAll(a!, follower.heard[0]!.meta.offset);
      }
      assertEquals([...moving, ...staying].map(({ recoveries }) => recoveries), [[true], [true], [], []]);
      for (const where of PLACES) {
        const { epoch, records } = await read(a!.hub, where);
        const payloads = new Map(records.map(({ offset, payload }) => [offset, payload]));
        for (const word of doomed.words) {
          if (!("kept" in word) || word.where !== where) continue;
          assertEquals(word.at.epoch, epoch);
          assertEquals(payloads.get(word.at.offset), { from: "doomed", n: word.kept });
        }
      }
    } finally {
      await doomed.kill();
    }
  }, { timeoutMs: 90_000 });
}
