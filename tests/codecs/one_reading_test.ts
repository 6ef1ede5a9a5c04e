import { assertEquals } from "@std/assert";
import {
  createClient,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  jsonCodec,
} from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { test, waitFor } from "../harness.ts";
import { createRig } from "../hub/rig.ts";
import { schema } from "../session/scene.ts";

const payload = schema();
const contract = defineContract({
  shared: { serverToClient: { note: { payload } }, topics: { news: { payload } } },
  roles: { member: {} },
});

/** A payload with another value at each reading. */
function changing(): unknown {
  let readings = 0;
  return {
    get n() {
      return ++readings;
    },
  };
}

for (const codecs of [[jsonCodec, msgpackCodec], [msgpackCodec, jsonCodec]]) {
  const order = codecs.map(({ subprotocol }) => subprotocol.split(".").at(-1)).join(" before ");
  test(`a payload that changes is read once for all clients of a node (${order})`, async () => {
    const adapter = createMemoryAdapter({ bus: createMemoryBus() });
    const { hub, loopback } = createRig(contract, { adapter, codecs: [jsonCodec, msgpackCodec] });
    const heard: unknown[][] = [];
    const clients = [];
    for (const codec of codecs) {
      const client = createClient(contract, {
        url: "ws://loopback",
        transport: loopback.client(),
        role: "member",
        codec,
      });
      const mine: unknown[] = [];
      client.on("note", (note) => void mine.push(note));
      await client.subscribe("news", (news) => void mine.push(news)).ready;
      heard.push(mine);
      clients.push(client);
    }
    hub.publish("news", changing());
    hub.forRole("member").emit("note", changing());
    const { connections } = await hub.cluster.connections();
    for (const conn of connections) await hub.room("lobby").add(conn);
    hub.room("lobby").broadcast("note", changing());
    await waitFor(() => heard.every((mine) => mine.length === 3), { what: "all messages" });
    assertEquals(heard[1], heard[0]);
    await Promise.all(clients.map((client) => client.close()));
    await hub.close();
  });
}
