// Shows which users are typing, and their cursors: state of presence. Run: deno run -A examples/recipes/typing.ts
import { createClient, createHub, defineContract } from "@trunkline/hub";
import { presence } from "@trunkline/hub/client/presence";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";

const Point = z.object({ x: z.number(), y: z.number() });

export const board = defineContract({
  roles: {
    member: { clientToServer: { open: { input: z.object({ board: z.string() }), output: z.void() } } },
  },
  presence: {
    "board/:id": {
      state: z.object({ typing: z.boolean(), cursor: Point.nullable() }),
      clientsSet: true, // each client sets its own state
    },
  },
});

const loopback = createLoopbackTransport(); // in your application: WebSockets, which are the default
await using hub = createHub(board, {
  authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
  transports: [loopback],
});
hub.implement({ member: { open: ({ board }, { conn }) => hub.room(board).add(conn) } });

function connect(name: string) {
  const client = createClient(board, {
    url: "ws://loopback",
    role: "member",
    token: name,
    transport: loopback.client(),
  });
  client.onOpen(() => client.request("open", { board: "board/1" })); // on every connection
  return { client, view: presence(client, "board/1") };
}

const [ann, bob] = [connect("ann"), connect("bob")];
await Promise.all([ann.view.ready, bob.view.ready]);

const seen = new Promise<void>((resolve) => {
  bob.view.on("update", ({ id, state }) => {
    if (!state?.typing) return;
    console.log(`${id} types at ${state.cursor?.x}, ${state.cursor?.y}`);
    resolve();
  });
});

// Call this on each key and each move of the mouse. A hub tells clients of changes at most ten times a second.
await ann.view.set({ typing: true, cursor: { x: 12, y: 40 } });
await seen;

for (const { client } of [ann, bob]) await client.close();
