import { assert, assertEquals } from "@std/assert";
import { HubError } from "@trunkline/hub";
import { waitFor } from "../harness.ts";
import { rejection } from "../hub/wires.ts";
import { acquainted, testOnAdapters } from "../hub/cluster.ts";

testOnAdapters(
  "after close: questions name the nodes that they did not reach, and never count as complete",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const ann = await b!.member("ann");
    await acquainted([a!.hub, b!.hub]);
    await a!.hub.close();
    const missing = [{ node: b!.hub.nodeId, reason: "closed" }];
    const { cluster: closed } = a!.hub;
    assertEquals(await closed.count({ user: "ann" }), { count: 0, missing } as unknown);
    assertEquals(await closed.exists({ user: "ann" }), { exists: false, missing } as unknown);
    assertEquals(await closed.connections(), { connections: [], missing } as unknown);
    assertEquals(await closed.disconnect({ all: true }), { count: 0, missing } as unknown);
    assertEquals((await a!.hub.requestServers("load", {})).missing, missing as unknown);
    assertEquals(
      (await rejection(a!.hub.connection(ann.connectionId!).request("confirm", { question: "?" }))).code,
      "UNAVAILABLE",
    );
    assertEquals([ann.status, a!.hub.stats().nodeRequests], ["open", 0]);
  },
);

testOnAdapters(
  "after close: published messages reach no client, and this is reported once",
  async (start) => {
    await using cluster = await start(2);
    const [a, b] = cluster.nodes;
    const keys: string[] = [];
    b!.hub.onServer("invalidate", ({ key }) => void keys.push(key));
    a!.hub.emitServer("invalidate", { key: "last" });
    await a!.hub.close();
    assertEquals(a!.errors, []);
    for (let n = 0; n < 3; n++) {
      a!.hub.emitServer("invalidate", { key: "late" });
      a!.hub.publish("stats", { n });
      a!.hub.room("lobby").broadcast("message", { room: "lobby", text: "late" });
    }
    const [{ error, info }] = a!.errors as [typeof a.errors[number]];
    assertEquals([a!.errors.length, info], [1, { stage: "publish", channel: "cluster" }]);
    assert(error instanceof HubError && error.message.includes("closed"), String(error));
    await waitFor(() => keys.length > 0, { what: "the last word" });
    assertEquals(keys, ["last"]);
  },
);
