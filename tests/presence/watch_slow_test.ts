import { assertEquals } from "@std/assert";
import { createClient, createHub, defineContract, type HubLimits } from "@trunkline/hub";
import { presence } from "@trunkline/hub/client/presence";
import { createLoopbackTransport } from "@trunkline/hub/transports/loopback";
import { z } from "zod";
import { FakeClock } from "../fake_clock.ts";
import { test, waitFor } from "../harness.ts";

const ROOMS = 12;

const contract = defineContract({
  roles: {
    member: {
      clientToServer: { join: { input: z.number(), output: z.void() }, mark: { payload: z.void() } },
    },
  },
  presence: { "room/:id": { state: z.string(), clientsSet: true } },
});

/**
 * A hub with users in several rooms, with long states.
 *
 * @param users How many.
 * @param limits Of the hub.
 */
async function crowd(users: number, limits: HubLimits = {}) {
  const clock = new FakeClock();
  const loopback = createLoopbackTransport();
  const hub = createHub(contract, {
    authenticate: ({ role, token }) => ({ role, user: { id: token! } }),
    transports: [loopback],
    presence: { stateOf: { "room/:id": () => "x".repeat(1_000) } },
    clock,
    limits,
  });
  let marks = 0;
  hub.implement({
    member: {
      join: async (rooms, { conn }) => {
        for (let i = 0; i < rooms; i++) await hub.room(`room/${i}`).add(conn);
      },
      mark: () => void marks++,
    },
  });
  await hub.ready;
  const enter = async (token: string, rooms = ROOMS) => {
    const line = loopback.client();
    const client = createClient(contract, { url: "ws://loopback", role: "member", token, transport: line });
    await client.request("join", rooms);
    /** All that the client has said is heard. */
    const heard = async () => {
      const before = marks;
      client.signal("mark", undefined);
      await waitFor(() => marks > before, { what: "the hub to hear all" });
    };
    return { client, line, heard };
  };
  const all = await Promise.all(Array.from({ length: users }, (_, i) => enter(`user ${i}`)));
  return {
    hub,
    clock,
    enter,
    all,
    async [Symbol.asyncDispose]() {
      for (const { client } of all) await client.close();
      await hub.close();
    },
  };
}

test("a client that reads slowly keeps its connection, and gets the list of every room that it watches as it is by then", async () => {
  await using scene = await crowd(200);
  const { client, line, heard } = await scene.enter("slow");
  line.pause();
  let losses = 0;
  client.onStatus((status) => status === "reconnecting" && losses++);
  const views = Array.from({ length: ROOMS }, (_, i) => presence(client, `room/${i}`));
  const given = presence(client, "room/0", { by: "connection" });
  await heard();
  scene.clock.advance(1_000); // for so long no client may exceed the limit of its queue
  given.close();
  await scene.all[0]!.client.close();
  await waitFor(() => scene.hub.stats().connections === 200, { what: "one to be gone" });
  line.resume();
  await Promise.all(views.map(({ ready }) => ready));
  assertEquals([losses, views.at(-1)!.list().length], [0, 200]);
  scene.clock.advance(1_000);
  await waitFor(() => views.every((view) => view.list().length === 200), { what: "all to see that" });
  await client.close();
});

test("members whose states are too large together are counted, and read in pages, also by slow readers", async () => {
  await using scene = await crowd(60, { outbox: { maxBytes: 50_000 } });
  const { client, line, heard } = await scene.enter("slow");
  line.pause();
  let losses = 0;
  client.onStatus((status) => status === "reconnecting" && losses++);
  const view = presence(client, "room/1");
  await heard();
  scene.clock.advance(1_000);
  line.resume();
  await view.ready;
  assertEquals([losses, view.listed, view.count, view.list()], [0, false, 61, []]);
  const seen: string[] = [];
  for (let cursor: string | undefined, more = true; more; more = cursor !== undefined) {
    const page = await view.page({ cursor, limit: 20 });
    seen.push(...page.members.map(({ id }) => id));
    cursor = page.cursor;
  }
  assertEquals(seen.length, 61);
  for (const { client } of scene.all.slice(0, 30)) await client.close();
  await waitFor(() => scene.hub.stats().connections === 31, { what: "half of them to be gone" });
  scene.clock.advance(1_000);
  await waitFor(() => view.list().length === 31, { what: "the remaining members to be listed" });
  await client.close();
});

test("a client that asks for many pages at once and reads slowly gets all of them", async () => {
  await using scene = await crowd(60);
  const { client, line, heard } = await scene.enter("slow");
  const view = presence(client, "room/1");
  await view.ready;
  line.pause();
  let losses = 0;
  client.onStatus((status) => status === "reconnecting" && losses++);
  const pages = Array.from({ length: 100 }, () => view.page());
  await heard();
  scene.clock.advance(1_000);
  line.resume();
  assertEquals((await Promise.all(pages)).map(({ members }) => members.length), Array(100).fill(61));
  assertEquals(losses, 0);
  await client.close();
});
