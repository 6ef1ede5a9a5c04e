import { assert, assertEquals } from "@std/assert";
import { createHub, defineContract } from "@trunkline/hub";
import { runtime, test, waitFor } from "../harness.ts";
import { opcode, RawClient } from "../transports/raw_client.ts";
import { serve } from "../serve.ts";
import { type HostileOptions, hostileTest } from "./scene.ts";

const PROTOCOL = { "Sec-WebSocket-Protocol": "trunkline.v1.json" };

const isClosing = ({ frames }: RawClient) => frames.some((frame) => frame.opcode === opcode.close);

/** Opens sockets that never say hello and never answer a close, all at once; tells those that were let in. */
async function crowd(port: number, size: number): Promise<RawClient[]> {
  const all = await Promise.all(
    Array.from({ length: size }, () => RawClient.open(port, { headers: PROTOCOL })),
  );
  const refused = all.filter(({ status }) => status !== 101);
  await Promise.all(refused.map((client) => client.destroy()));
  return all.filter(({ status }) => status === 101);
}

const cases: Readonly<Record<string, NonNullable<HostileOptions["limits"]>>> = {
  "its address": { maxConnectionsPerAddress: 6 },
  "the node": { maxConnections: 6 },
};

for (const [whose, limits] of Object.entries(cases)) {
  hostileTest(
    `sockets that do not answer a close count for the limit of ${whose} for as long as they are there`,
    async ({ hub, port }) => {
      const held: RawClient[] = [];
      for (let round = 0; round < 6; round++) {
        held.push(...await crowd(port, 10));
        await waitFor(() => held.every((client) => client.gone || isClosing(client)), { what: "the closes" });
        const there = held.filter(({ gone }) => !gone).length;
        assert(there <= 5, `${there} sockets are there beside the neighbour's`);
        await waitFor(() => hub.stats().handshakes === 0);
      }
      await waitFor(() => hub.stats().lingering === held.filter(({ gone }) => !gone).length);
      if (runtime === "deno") assertEquals([held.length, hub.stats().lingering], [5, 5]);
      await Promise.all(held.map((client) => client.destroy()));
      await waitFor(() => hub.stats().lingering === 0, { what: "the sockets to be free" });
      const [next] = await crowd(port, 1);
      assert(next, "there is room again");
      await next.destroy();
    },
    { limits: { handshakeTimeoutMs: 200, ...limits } },
  );
}

hostileTest(
  "a place that an upgrade without a key has taken is given back at once",
  async ({ port }) => {
    for (let i = 0; i < 20; i++) {
      const client = await RawClient.open(port, { headers: { ...PROTOCOL, "Sec-WebSocket-Key": undefined } });
      assertEquals(client.status, 400);
      await client.destroy();
    }
    const [next] = await crowd(port, 1);
    assert(next, "there is room");
    await next.destroy();
  },
  { limits: { maxConnections: 3 } },
);

hostileTest(
  "clients that answer a close, or end it themselves, leave nothing behind",
  async ({ hub, enter }) => {
    const [one, other] = [await enter(), await enter()];
    one.raw.send(opcode.close, Uint8Array.of(0x03, 0xe8));
    other.raw.finish();
    await waitFor(() => hub.stats().connections === 1 && hub.stats().lingering === 0);
  },
);

test("closing a hub waits until its goodbyes have left, but not for clients that do not answer", async () => {
  const hub = createHub(defineContract({ roles: { member: {} } }), {
    authenticate: ({ role }) => ({ role }),
  });
  await hub.ready;
  const server = serve({
    fetch: (request, platform) => hub.routes.fetch(request, platform as never),
    websocket: hub.websocket,
  });
  const [polite, silent] = [
    await RawClient.open(server.port, { headers: PROTOCOL }),
    await RawClient.open(server.port, { headers: PROTOCOL }),
  ];
  polite.socket.on("data", () => isClosing(polite) && polite.send(opcode.close, Uint8Array.of(0x0f, 0xa0)));
  await waitFor(() => hub.stats().handshakes === 2);
  const since = performance.now();
  await hub.close();
  const took = performance.now() - since;
  assert(took < 2_000, `it took ${took} ms`);
  await waitFor(() => isClosing(polite) && isClosing(silent));
  await Promise.all([polite.destroy(), silent.destroy()]);
  await server.close();
});
