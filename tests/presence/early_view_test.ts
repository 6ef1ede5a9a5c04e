/**
 * Views that a client opens before the request that enters the room is answered.
 *
 * @module
 */

import { assertEquals } from "@std/assert";
import { createClient, createHub, createMemoryHistory, defineContract, HubError } from "@trunkline/hub";
import { presence } from "@trunkline/hub/client/presence";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { test, waitFor } from "../harness.ts";
import { rejection, turn } from "../hub/wires.ts";

const text = { input: z.string(), output: z.void() };
const contract = defineContract({
  presence: { "room/:id": z.object({}), "kept/:id": z.object({}) },
  rooms: { "kept/:id": { history: { size: 4 } } },
  roles: { member: { clientToServer: { join: text, leave: text, think: text } } },
});

/** A hub whose handlers take as long as a test says, and a client. */
async function scene(isLater: boolean) {
  const loopback = createLoopbackTransport();
  const memory = createMemoryHistory();
  const gates = { join: Promise.withResolvers<void>(), think: Promise.withResolvers<void>() };
  const counted = { joins: 0, errors: [] as unknown[] };
  if (!isLater) gates.join.resolve();
  const hub = createHub(contract, {
    authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
    transports: [loopback],
    history: {
      name: "later",
      publishes: false,
      append: async (...args) => await memory.append(...args),
      read: async (...args) => await memory.read(...args),
    },
    onError: (error) => void counted.errors.push(error),
  });
  hub.implement({
    member: {
      join: async (name, { conn }) => {
        counted.joins++;
        if (isLater) await gates.join.promise;
        if (name.endsWith("/closed")) throw new HubError("FORBIDDEN", "Not here");
        await hub.room(name).add(conn);
      },
      leave: (name, { conn }) => hub.room(name).remove(conn),
      think: () => gates.think.promise,
    },
  });
  await hub.ready;
  const reports: string[] = [];
  const client = createClient(contract, {
    url: "ws://loopback",
    role: "member",
    token: "ann",
    transport: loopback.client(),
    onError: (error) => void reports.push((error as HubError).code),
  });
  return {
    hub,
    client,
    gates,
    counted,
    reports,
    async [Symbol.asyncDispose]() {
      gates.join.resolve();
      gates.think.resolve();
      await client.close();
      await hub.close();
    },
  };
}

for (const isLater of [false, true]) {
  for (const isOpen of [false, true]) {
    for (const room of ["room/1", "kept/1"] as const) {
      const when = `${isLater ? "that takes time" : "at once"}, ${
        isOpen ? "on an open link" : "before the link"
      }`;
      test(`a view that is opened with the request that enters ${room} (${when}) waits for it`, async () => {
        await using rig = await scene(isLater);
        const { client, gates, counted, reports } = rig;
        if (isOpen) await client.ready;
        const joining = client.request("join", room);
        const view = presence(client, room);
        await waitFor(() => counted.joins > 0, { what: "the request" });
        for (let n = 0; n < 5; n++) await turn();
        gates.join.resolve();
        await view.ready;
        assertEquals([view.count, view.status], [1, "live"]);
        await joining;
        assertEquals(reports, []);
      });
    }
  }
}

test("a view that is opened before the request that enters the room waits for it too", async () => {
  await using rig = await scene(true);
  const { client, gates } = rig;
  await client.ready;
  const view = presence(client, "room/1");
  const joining = client.request("join", "room/1");
  gates.join.resolve();
  await view.ready;
  await joining;
  assertEquals(view.count, 1);
});

test("a request that takes long does not delay a view whose room another request enters", async () => {
  await using rig = await scene(true);
  const { client, gates } = rig;
  await client.ready;
  const thinking = client.request("think", "");
  const joining = client.request("join", "room/1");
  const view = presence(client, "room/1");
  for (let n = 0; n < 5; n++) await turn();
  gates.join.resolve();
  await view.ready;
  await joining;
  gates.think.resolve();
  await thinking;
});

test("a view of a room that no request enters ends with FORBIDDEN, when all earlier requests are answered", async () => {
  await using rig = await scene(true);
  const { client, gates, reports } = rig;
  await client.ready;
  assertEquals((await rejection(presence(client, "room/1").ready)).code, "FORBIDDEN");
  const joining = rejection(client.request("join", "room/closed"));
  const thinking = client.request("think", "");
  const view = presence(client, "room/closed");
  const unheeded = presence(client, "room/2");
  for (let n = 0; n < 5; n++) await turn();
  assertEquals(view.status, "syncing");
  gates.join.resolve();
  assertEquals((await joining).code, "FORBIDDEN");
  gates.think.resolve();
  await thinking;
  assertEquals((await rejection(view.ready)).code, "FORBIDDEN");
  assertEquals([(await unheeded.closed)?.code, reports], ["FORBIDDEN", ["FORBIDDEN"]]);
});

test("a client that leaves the room loses the view at once, whatever it waits for", async () => {
  await using rig = await scene(false);
  const { client, gates } = rig;
  await client.request("join", "room/1");
  const view = presence(client, "room/1");
  await view.ready;
  const thinking = client.request("think", "");
  await client.request("leave", "room/1");
  assertEquals((await view.closed)?.code, "FORBIDDEN");
  gates.think.resolve();
  await thinking;
});
