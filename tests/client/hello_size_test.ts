import { createClient, createHub, defineContract } from "@trunkline/hub";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { jsonCodec } from "@trunkline/hub/contract";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { assertEquals } from "@std/assert";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";

const contract = defineContract({
  shared: { topics: { "t/:id": { payload: z.number() } } },
  roles: { member: {} },
});

for (const codec of [jsonCodec, msgpackCodec]) {
  test(`a client with more topics than a hello may name comes back (${codec.subprotocol})`, async () => {
    const loopback = createLoopbackTransport();
    const ids: string[] = [];
    await using hub = createHub(contract, {
      authenticate: ({ role }) => ({ role }),
      onConnection: ({ id }) => void ids.push(id),
      codecs: [codec],
      transports: [loopback],
    });
    await hub.ready;
    await using client = createClient(contract, {
      url: "ws://loopback",
      role: "member",
      codec,
      transport: loopback.client(),
      reconnect: { baseMs: 1, maxMs: 2 },
    });
    const all = Array.from({ length: 950 }, (_, i) => client.subscribe(`t/${i}`, () => {}));
    const live = () => all.filter(({ status }) => status === "live").length;
    await waitFor(() => live() === all.length, { what: "all topics" });
    hub.connection(ids[0]!).close({ code: 4000 });
    await waitFor(() => ids.length === 2 || client.status === "closed", { what: "the next connection" });
    await waitFor(() => live() === all.length || client.status === "closed", { what: "all topics again" });
    assertEquals([client.status, live(), ids.length], ["open", all.length, 2]);
  });
}
