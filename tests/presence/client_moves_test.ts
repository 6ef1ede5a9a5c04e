import { assertEquals } from "@std/assert";
import {
  type Codec,
  createClient,
  createHub,
  createMemoryAdapter,
  createMemoryBus,
  defineContract,
  jsonCodec,
} from "@trunkline/hub";
import { presence } from "@trunkline/hub/client/presence";
import { msgpackCodec } from "@trunkline/hub/codecs/msgpack";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";
import { serve } from "../serve.ts";

const contract = defineContract({
  shared: { topics: { "doc/:id": { payload: z.any() } } },
  roles: { member: { clientToServer: { enter: { input: z.string(), output: z.void() } } } },
  presence: {
    "room/:id": {
      state: z.object({ mood: z.string(), face: z.instanceof(Uint8Array).optional() }),
      clientsSet: true,
    },
    "doc/:id": { state: z.object({ line: z.number() }), clientsSet: true },
  },
});

/** Two nodes of a cluster, each behind a WebSocket server. */
async function startTwo(codec: Codec) {
  const bus = createMemoryBus();
  const errors: unknown[] = [];
  const nodes = await Promise.all([0, 1].map(async () => {
    const hub = createHub(contract, {
      authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
      adapter: createMemoryAdapter({ bus }),
      codecs: [codec],
      presence: { intervalMs: 5 },
      onError: (error) => errors.push(error),
    });
    hub.implement({ member: { enter: (room, { conn }) => hub.room(room).add(conn) } });
    await hub.ready;
    const server = serve({
      fetch: (request, platform) => hub.routes.fetch(request, platform as never),
      websocket: hub.websocket,
    });
    return { hub, server, url: `ws://127.0.0.1:${server.port}/` };
  }));
  const clients: { close(): Promise<void> }[] = [];
  return {
    nodes,
    errors,
    /** A client that is in the room on every connection. */
    connect(token: string, ...urls: string[]) {
      const client = createClient(contract, {
        url: urls,
        role: "member",
        token,
        codec,
        reconnect: { baseMs: 5, maxMs: 20 },
        onError: (error) => errors.push(error),
      });
      clients.push(client);
      client.onOpen(() => client.request("enter", "room/1"));
      return client;
    },
    async [Symbol.asyncDispose]() {
      for (const client of clients) await client.close();
      for (const { hub, server } of nodes) {
        await hub.close();
        await server.close();
      }
    },
  };
}

for (const codec of [jsonCodec, msgpackCodec]) {
  const kind = codec.subprotocol.split(".").at(-1);
  test(`a view of a client that moves to another node is whole again there, and tells the changes (${kind})`, async () => {
    await using cluster = await startTwo(codec);
    const [a, b] = cluster.nodes as [typeof cluster.nodes[0], typeof cluster.nodes[0]];
    const ann = cluster.connect("ann", a.url, b.url);
    const bob = cluster.connect("bob", b.url);
    const room = presence(ann, "room/1");
    const doc = presence(ann, { topic: "doc/1" }, { by: "connection" });
    ann.subscribe("doc/1", () => {});
    await Promise.all([room.ready, doc.ready]);
    const face = new Uint8Array([0, 255]);
    await room.set({ mood: "merry", face });
    await doc.set({ line: 7 });
    await waitFor(() => room.list().length === 2 && room.list()[0]?.state?.mood === "merry", {
      what: "Bob to be seen, and a mood",
    });
    assertEquals(room.list()[0], {
      id: "ann",
      user: "ann",
      node: a.hub.nodeId,
      state: { mood: "merry", face },
    });
    await waitFor(() => doc.list()[0]?.state?.line === 7, { what: "the line" });

    const seen: string[] = [];
    for (const event of ["join", "leave", "update"] as const) {
      room.on(
        event,
        ({ id, node, state }) =>
          void seen.push(`${event} ${id}@${node === a.hub.nodeId ? "a" : "b"} ${state?.mood}`),
      );
    }
    let synced = 0;
    room.on("sync", () => synced++);
    await a.server.close(); // its clients lose their links, and find it again nowhere
    await bob.close();
    const cat = cluster.connect("cat", b.url);
    await cat.ready;
    await waitFor(() => ann.nodeId === b.hub.nodeId && room.synced && doc.synced, {
      what: "Ann on the other node",
    });
    await waitFor(() =>
      room.list().map(({ id, node, state }) => [id, node, state?.mood]).join(";") ===
        `ann,${b.hub.nodeId},merry;cat,${b.hub.nodeId},`, {
      what: `the list to be true: ${JSON.stringify(room.list())}`,
    });
    assertEquals(synced, 1);
    await waitFor(() => doc.list()[0]?.state?.line === 7, { what: "the line on the other node" });
    assertEquals([doc.list().length, doc.list()[0]?.id], [1, ann.connectionId]);
    // However it came to that: Ann never left, Bob did once, Cat came once.
    assertEquals(seen.filter((event) => event.includes("ann") && !event.startsWith("update")), []);
    assertEquals(seen.filter((event) => event.startsWith("leave bob")).length, 1);
    assertEquals(seen.filter((event) => event.startsWith("join cat")).length, 1);
    assertEquals(await room.page({ limit: 1 }), { members: [room.list()[0]!], count: 2, cursor: "ann" });
  });
}
